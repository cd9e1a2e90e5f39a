"""Simple orders: general ones with their uploads, portraits, and what an empty mask means."""

import pytest

from quel_dagster.model.spellings import DEFAULT_PROMPT
from quel_dagster_tests.model.rows import orders, prompts, refusal

GENERAL, PORTRAIT = "simple_general", "simple_portrait"


@pytest.mark.parametrize(("total_images", "pictures"), [(1, 1), (5, 5), (0, 1), (-2, 1)])
def test_a_simple_order_is_for_as_many_pictures_as_its_row_announces(
    total_images: int, pictures: int
) -> None:
    found = orders({}, total_images, GENERAL)
    assert [order.slot for order in found] == list(range(pictures))


def test_w48_all_uploads_of_a_simple_order_are_used_in_their_order() -> None:
    uploads = [{"attachId": 9, "type": "bag"}, 4, {"attachId": "7"}, {"attachId": 9}]
    for order in orders({"uploadedAttachIds": uploads}, 2, GENERAL):
        assert [(each.attach_id, each.kind) for each in order.references] == [
            (9, "bag"),
            (4, "none"),
            (7, "none"),
            (9, "none"),
        ]


@pytest.mark.parametrize("job_type", [GENERAL, PORTRAIT])
def test_the_words_of_a_simple_order_direct_the_camera_and_everything_else(job_type: str) -> None:
    (order,) = orders({}, 1, job_type)
    assert (order.own_camera, order.free, order.angle, order.shot) == (True, True, "", "")


@pytest.mark.parametrize("mask", [None, "", " \n"])
@pytest.mark.parametrize("job_type", [GENERAL, PORTRAIT, "single_batch", "pipeline_stage"])
def test_w51_an_empty_mask_makes_a_normal_order(mask: str | None, job_type: str) -> None:
    (order,) = orders({"maskDataUrl": mask, "basePrompt": "a coat"}, 1, job_type)
    assert (order.prompt, order.retouch) == ("a coat", None)


def test_w51_a_mask_that_is_no_text_is_refused_by_its_name() -> None:
    expected = "maskDataUrl: expected a text, got an object"
    assert refusal({"maskDataUrl": {}, "prompt": "a coat"}, 1, GENERAL) == expected


def test_a_portrait_order_is_one_picture_per_entry_in_the_order_of_the_list() -> None:
    entries = [
        {"mergedAttachId": "8", "wrappingPrompt": "b", "photoIndex": 1},
        {"mergedAttachId": 7, "wrappingPrompt": "a", "photoIndex": 0},
    ]
    assert prompts({"mergedImages": entries}, 2, PORTRAIT) == ["b", "a"]
    found = orders({"mergedImages": entries}, 2, PORTRAIT)
    assert [order.references[0].attach_id for order in found] == [8, 7]
    assert found[1].references[0].where == "mergedImages[1].mergedAttachId"


def test_a_portrait_without_words_of_its_own_has_the_orders() -> None:
    entries = [{"wrappingPrompt": " "}, {"wrappingPrompt": "keep the hat"}, {}]
    assert prompts({"basePrompt": "smile", "mergedImages": entries}, 3, PORTRAIT) == [
        "smile",
        "keep the hat",
        "smile",
    ]


@pytest.mark.parametrize("entries", [None, []])
def test_a_portrait_order_without_entries_is_one_picture(entries: object) -> None:
    assert prompts({"mergedImages": entries}, 5, PORTRAIT) == [DEFAULT_PROMPT]


@pytest.mark.parametrize("missing", [{}, {"mergedAttachId": None}])
def test_a_portrait_without_a_picture_is_made_from_its_words_alone(missing: object) -> None:
    (order,) = orders({"mergedImages": [missing]}, 1, PORTRAIT)
    assert order.references == ()


def test_more_portraits_than_the_row_announces_are_refused() -> None:
    expected = "mergedImages[2]: 3 pictures ordered so far, but total_images announces 2"
    assert refusal({"mergedImages": [{}, {}, {}]}, 2, PORTRAIT) == expected


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ("7", 'mergedImages: expected a list, got "7"'),
        ([7], "mergedImages[0]: expected a JSON object, got 7"),
        ([{"wrappingPrompt": []}], "mergedImages[0].wrappingPrompt: expected a text, got a list"),
        (
            [{}, {"mergedAttachId": "x"}],
            'mergedImages[1].mergedAttachId: expected a whole number of 1 or more, got "x"',
        ),
        (
            [{"mergedAttachId": 0}],
            "mergedImages[0].mergedAttachId: expected a whole number of 1 or more, got 0",
        ),
        (
            [{"aspect-ratio": "9:1"}],
            "mergedImages[0].aspect-ratio: '9:1' is not a ratio we make; use one of",
        ),
    ],
)
def test_w04_a_bad_portrait_is_refused_by_its_place(entries: object, expected: str) -> None:
    assert refusal({"mergedImages": entries}, 3, PORTRAIT).startswith(expected)
