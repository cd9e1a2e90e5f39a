"""Which orders are refused, and in which words; whatever comes, nothing else can happen."""

import random
import string

import pytest

from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.job import Job
from quel_dagster.model.parsing import parse
from quel_dagster_tests.model.rows import LIMITS, MEMBER, orders, refusal, row


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
        (float("inf"), "inf"),
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
    expected = "quantity: more than 60 pictures ordered; split the order"
    assert refusal(order_input, total_images=0) == expected
    assert refusal(order_input, total_images=10**9) == expected


def test_a_row_that_announces_more_pictures_than_configured_is_refused_at_once() -> None:
    expected = "quantity: more than 60 pictures ordered; split the order"
    assert refusal({}, total_images=2**31 - 1) == expected
    assert refusal({}, total_images=2**31 - 1, job_type="simple_general") == expected
    assert len(orders({}, total_images=60)) == 60


def test_combinations_may_not_sum_up_to_more_than_the_row_announces() -> None:
    order_input = {"combinations": [{"quantity": 2}, {"quantity": 2}]}
    expected = "quantity: 4 pictures ordered, but total_images announces 3"
    assert refusal(order_input, total_images=3) == expected
    assert len(orders(order_input, total_images=4)) == 4
    assert len(orders(order_input, total_images=5)) == 4


@pytest.mark.parametrize("field", ["basePrompt", "prompt"])
def test_a_prompt_may_be_as_long_as_configured_and_no_longer(field: str) -> None:
    assert len(orders({field: "a" * 200}, 1)) == 1
    assert refusal({field: "a" * 201}, 1) == "prompt: longer than 200 characters"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"basePrompt": 5}, "basePrompt: expected a text, got 5"),
        ({"prompt": ["a"]}, "prompt: expected a text, got a list"),
        ({"angle": {}}, "angle: expected a text, got an object"),
        ({"cameraAngle": True}, "cameraAngle: expected a text, got true"),
        ({"shotType": 1.5}, "shotType: expected a text, got 1.5"),
        ({"aspect-ratio": 16}, "aspect-ratio: expected a text, got 16"),
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
        ([], "job_input_data: expected a JSON object, got a list"),
        ("{}", 'job_input_data: expected a JSON object, got "{}"'),
        (None, "job_input_data: expected a JSON object, got null"),
        (3, "job_input_data: expected a JSON object, got 3"),
    ],
)
def test_a_field_of_the_wrong_type_is_refused_by_its_place(given: object, expected: str) -> None:
    assert refusal(given) == expected


@pytest.mark.parametrize("job_type", ["pipeline_stage", "simple_portrait", "modify", ""])
def test_a_job_type_that_is_not_served_is_refused(job_type: str) -> None:
    expected = f"job_type: {job_type!r} is not served; use single_batch or simple_general"
    assert refusal({}, job_type=job_type) == expected


def test_an_order_to_retouch_under_a_mask_is_refused_rather_than_made_as_another() -> None:
    expected = "maskDataUrl: retouching a picture under a mask is not served"
    order_input = {"maskDataUrl": "data:image/png;base64,iVBORw0", "prompt": "", "quantity": 2}
    assert refusal(order_input, job_type="simple_general") == expected


FIELDS = (
    "basePrompt",
    "prompt",
    "combinations",
    "individualImageAttachIds",
    "uploadedAttachIds",
    "attachId",
    "type",
    "angle",
    "cameraAngle",
    "shot",
    "shotType",
    "quantity",
    "fx",
    "aspect-ratio",
    "aspectRatio",
    "negative_prompt",
    "isPreEdited",
    "userId",
)


NUMBERS = (0, 1, 3, -1, 61, 2**70, 10**400, -(10**400), 0.5, 2.0, 1e308, float("inf"), float("nan"))
LEAVES = (None, True, False, *NUMBERS, "", "1", "3", "-1", "9" * 5000, "front", str(MEMBER))
LETTERS = string.printable + "٣é지\U0001f457"


def arbitrary_json(chance: random.Random, depth: int = 4) -> object:
    """A value that often looks like an order: known fields, numbers as text, lists of objects."""
    kind = chance.randrange(10 if depth else 6)
    if kind < 5:
        return chance.choice(LEAVES)
    if kind == 5:
        return "".join(chance.choices(LETTERS, k=chance.randrange(12)))
    if kind < 8:
        return [arbitrary_json(chance, depth - 1) for _ in range(chance.randrange(4))]
    fields = chance.sample(FIELDS, k=chance.randrange(6))
    return {field: arbitrary_json(chance, depth - 1) for field in fields}


def test_whatever_json_comes_it_is_an_order_or_refused_as_one() -> None:
    chance = random.Random(20260214)
    served: list[Job] = []
    refused: list[InvalidJob] = []
    for _ in range(4000):
        order_input = arbitrary_json(chance)
        job_type = chance.choice(["single_batch", "simple_general"])
        total_images = chance.choice([-1, 0, 1, 3, 60, 61, 2**31 - 1])
        try:
            served.append(parse(row(order_input, total_images, job_type), LIMITS))
        except InvalidJob as refusal:
            refused.append(refusal)
    assert len(served) > 200
    assert len(refused) > 200
    for job in served:
        check_orders(job)
    assert all(error.field and len(str(error)) < 300 for error in refused)


def check_orders(job: Job) -> None:
    assert 1 <= len(job.orders) <= LIMITS.images_per_job
    assert [order.slot for order in job.orders] == list(range(len(job.orders)))
    for order in job.orders:
        assert order.prompt
        assert all(reference.attach_id >= 1 for reference in order.references)
