"""Which orders are refused, and in which words; whatever comes, nothing else can happen."""

import pytest

from quel_dagster_tests.model.rows import orders, refusal

NOT_MADE = "is not a ratio we make; use one of 16:9, 9:16, 4:3, 3:4, 1:1, 4:5"


@pytest.mark.parametrize(
    ("quantity", "got"),
    [
        (0, "0"),
        (-1, "-1"),
        ("0", '"0"'),
        ("-2", '"-2"'),
        ("three", '"three"'),
        ("", '""'),
        ("2.0", '"2.0"'),
        ("٣", '"٣"'),
        (2.5, "2.5"),
        (float("inf"), "Infinity"),
        (float("nan"), "NaN"),
        (True, "true"),
        (False, "false"),
        ([1], "a list"),
        ({}, "an object"),
        ("9" * 5000, '"' + "9" * 40 + '"'),
    ],
)
def test_a_quantity_that_is_no_number_of_pictures_is_refused(quantity: object, got: str) -> None:
    order_input = {"combinations": [{"quantity": 1}, {"quantity": quantity}]}
    expected = f"combinations[1].quantity: expected a whole number of 1 or more, got {got}"
    assert refusal(order_input) == expected


@pytest.mark.parametrize("quantity", [61, 10**9, "1000000000", 1e300, 10**400])
def test_an_order_for_more_pictures_than_configured_is_refused_at_once(quantity: object) -> None:
    order_input = {"combinations": [{"quantity": quantity}]}
    expected = "combinations[0].quantity: more than 60 pictures ordered; split the order"
    assert refusal(order_input, total_images=0) == expected
    assert refusal(order_input, total_images=10**9) == expected


def test_a_row_that_announces_more_pictures_than_configured_is_refused_at_once() -> None:
    expected = "more than 60 pictures ordered; split the order"
    assert refusal({}, 2**31 - 1) == f"quantity: {expected}"
    assert refusal({}, 2**31 - 1, "simple_general") == f"total_images: {expected}"
    assert len(orders({}, total_images=60)) == 60


@pytest.mark.parametrize("field", ["basePrompt", "prompt"])
def test_a_prompt_may_be_as_long_as_configured_and_no_longer(field: str) -> None:
    assert len(orders({field: "a" * 200}, 1)) == 1
    assert refusal({field: "a" * 201}, 1) == f"{field}: longer than 200 characters"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"basePrompt": 5}, "basePrompt: expected a text, got 5"),
        ({"prompt": ["a"]}, "prompt: expected a text, got a list"),
        ({"angle": {}}, "angle: expected a text, got an object"),
        ({"cameraAngle": True}, "cameraAngle: expected a text, got true"),
        ({"shotType": 1.5}, "shotType: expected a text, got 1.5"),
        ({"aspect-ratio": 16}, "aspect-ratio: expected a text, got 16"),
        ({"aspect-ratio": "2:1"}, f"aspect-ratio: '2:1' {NOT_MADE}"),
        ({"aspectRatio": "21:9"}, f"aspectRatio: '21:9' {NOT_MADE}"),
        ({"seed": -1}, "seed: expected a whole number of 0 or more, got -1"),
        ({"seed": 2**63}, f"seed: expected a number up to {2**63 - 1}, got {2**63}"),
        ({"basePrompt": "a\0"}, "basePrompt: character 2 is U+0000, which is no text"),
        ({"aspectRatio": []}, "aspectRatio: expected a text, got a list"),
        ({"negative_prompt": 0}, "negative_prompt: expected a text, got 0"),
        ({"userId": 7}, "userId: expected a text, got 7"),
        ({"isPreEdited": "yes"}, 'isPreEdited: expected true or false, got "yes"'),
        ({"isPreEdited": 1}, "isPreEdited: expected true or false, got 1"),
        ({"combinations": {}}, "combinations: expected a list, got an object"),
        ({"combinations": "front"}, 'combinations: expected a list, got "front"'),
        ({"combinations": [{}, "front"]}, 'combinations[1]: expected a JSON object, got "front"'),
        ({"combinations": [None]}, "combinations[0]: expected a JSON object, got null"),
        ({"combinations": [{"angle": 5}]}, "combinations[0].angle: expected a text, got 5"),
        ({"combinations": [{"shot": []}]}, "combinations[0].shot: expected a text, got a list"),
        ({"combinations": [{"fx": 1}]}, "combinations[0].fx: expected a text, got 1"),
        (
            {"individualImageAttachIds": "1,2"},
            'individualImageAttachIds: expected a list, got "1,2"',
        ),
        (
            {"individualImageAttachIds": [1, None]},
            "individualImageAttachIds[1]: expected a whole number of 1 or more, got null",
        ),
        (
            {"individualImageAttachIds": [[1]]},
            "individualImageAttachIds[0]: expected a whole number of 1 or more, got a list",
        ),
        (
            {"individualImageAttachIds": [{"type": "model"}]},
            "individualImageAttachIds[0].attachId: expected a whole number of 1 or more, got null",
        ),
        (
            {"individualImageAttachIds": [{"attachId": True}]},
            "individualImageAttachIds[0].attachId: expected a whole number of 1 or more, got true",
        ),
        (
            {"individualImageAttachIds": [{"attachId": 1, "type": 2}]},
            "individualImageAttachIds[0].type: expected a text, got 2",
        ),
        (
            {"individualImageAttachIds": [2**63]},
            f"individualImageAttachIds[0]: expected a number up to {2**63 - 1}, got {2**63}",
        ),
        (
            {"individualImageAttachIds": [10**30]},
            f"individualImageAttachIds[0]: expected a number up to {2**63 - 1}, got 1{'0' * 30}",
        ),
        ([], "job_input_data: expected a JSON object, got a list"),
        ("{}", 'job_input_data: expected a JSON object, got "{}"'),
        (None, "job_input_data: expected a JSON object, got null"),
        (3, "job_input_data: expected a JSON object, got 3"),
    ],
)
def test_a_field_of_the_wrong_type_is_refused_by_its_place(given: object, expected: str) -> None:
    assert refusal(given) == expected


@pytest.mark.parametrize("job_type", ["multiview", "", "x" * 500])
def test_a_job_type_that_is_not_served_is_refused(job_type: str) -> None:
    assert refusal({}, job_type=job_type) == (
        f'job_type: "{job_type[:40]}" is not served; use one of '
        "single_batch, pipeline_stage, simple_general, simple_portrait, modify"
    )
