"""Pipeline stages: which slot each one's pictures get, and what a stage takes from the order."""

from dataclasses import replace

import pytest

from quel_dagster.model.job import Order
from quel_dagster.model.spellings import DEFAULT_PROMPT
from quel_dagster_tests.model.rows import orders, prompts, refusal

STAGE = "pipeline_stage"


def stage(index: object, prompt: str, quantity: int = 1) -> dict[str, object]:
    return {"stage_index": index, "prompt": prompt, "quantity": quantity}


@pytest.mark.parametrize(
    "indexes",
    [(0, 1, 2), (1, 2, 3), (-5, 0, 99), ("1", "2", 10), (" 7 ", 8.0, "+9"), (0, 2**70, 10**300)],
)
def test_w18_the_index_of_a_stage_decides_its_slots_and_not_its_place_in_the_list(
    indexes: tuple[object, ...],
) -> None:
    first, second, third = indexes
    stages = [stage(third, "c"), stage(first, "a", 2), stage(second, "b")]
    assert prompts({"stages": stages}, 4, STAGE) == ["a", "a", "b", "c"]
    assert [order.where for order in orders({"stages": stages}, 4, STAGE)] == [
        "stages[1]",
        "stages[1]",
        "stages[2]",
        "stages[0]",
    ]


def test_w18_indexes_are_compared_as_numbers_and_not_as_texts() -> None:
    stages = [stage("10", "tenth"), stage("9", "ninth")]
    assert prompts({"stages": stages}, 2, STAGE) == ["ninth", "tenth"]


def test_a_stage_without_an_index_takes_its_position() -> None:
    stages = [{"prompt": "a"}, stage(None, "b"), stage(2, "c")]
    assert prompts({"stages": stages}, 3, STAGE) == ["a", "b", "c"]


def test_w18_a_doubled_index_is_refused_and_both_stages_are_named() -> None:
    stages = [stage(1, "a"), stage(0, "b"), stage("1", "c")]
    expected = (
        "stages[2].stage_index: 1 is stages[0].stage_index too; give each stage an index of its own"
    )
    assert refusal({"stages": stages}, 3, STAGE) == expected


def test_w18_a_position_that_another_stage_has_as_its_index_is_refused() -> None:
    stages = [stage(1, "a"), {"prompt": "b"}]
    expected = "stages[1].stage_index: missing, and its position 1 is stages[0].stage_index too; "
    assert refusal({"stages": stages}, 2, STAGE).startswith(expected)


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        (["first"], 'stages[0]: expected a JSON object, got "first"'),
        ([{}, None], "stages[1]: expected a JSON object, got null"),
        ([[]], "stages[0]: expected a JSON object, got a list"),
        ({"0": {}}, "stages: expected a list, got an object"),
        ([stage("one", "")], 'stages[0].stage_index: expected a whole number, got "one"'),
        ([stage(0.5, "")], "stages[0].stage_index: expected a whole number, got 0.5"),
        ([stage(True, "")], "stages[0].stage_index: expected a whole number, got true"),
        (
            [{"individualImageAttachIds": [{"attachId": "upload-1"}]}],
            "stages[0].individualImageAttachIds[0].attachId: expected a whole number of 1 or more",
        ),
        (
            [{}, {"mergedImageAttachId": [4]}],
            "stages[1].mergedImageAttachId: expected a whole number of 1 or more, got a list",
        ),
        (
            [{}, {"quantity": "three"}],
            'stages[1].quantity: expected a whole number of 1 or more, got "three"',
        ),
        ([{"quantity": 0}], "stages[0].quantity: expected a whole number of 1 or more, got 0"),
        ([{"prompt": 5}], "stages[0].prompt: expected a text, got 5"),
        (
            [{"aspect-ratio": "2:1"}],
            "stages[0].aspect-ratio: '2:1' is not a ratio we make; use one of",
        ),
    ],
)
def test_w04_a_bad_stage_is_refused_by_its_place_and_crashes_nothing(
    stages: object, expected: str
) -> None:
    assert refusal({"stages": stages}, 3, STAGE).startswith(expected)


@pytest.mark.parametrize("stages", [None, []])
def test_without_stages_the_order_itself_is_the_only_one(stages: object) -> None:
    order_input = {
        "basePrompt": "soup",
        "stages": stages,
        "aspect-ratio": "1:1",
        "individualImageAttachIds": [{"attachId": 5, "type": "food"}],
    }
    found = orders(order_input, 2, STAGE)
    assert [(o.slot, o.copy, o.prompt, o.ratio) for o in found] == [
        (0, 0, "soup", "1:1"),
        (1, 1, "soup", "1:1"),
    ]
    assert [reference.kind for reference in found[0].references] == ["food"]


def test_the_only_stage_without_a_quantity_is_all_that_the_row_announces() -> None:
    assert prompts({"stages": [{"prompt": "a"}]}, 3, STAGE) == ["a", "a", "a"]


def test_what_a_stage_leaves_out_the_order_says() -> None:
    order_input = {
        "basePrompt": "soup",
        "aspect-ratio": "4:5",
        "negative_prompt": "hands",
        "isPreEdited": True,
        "seed": 3,
        "stages": [
            {},
            {
                "prompt": "stew",
                "aspect-ratio": "1:1",
                "negative_prompt": "forks",
                "isPreEdited": False,
                "seed": "4",
            },
        ],
    }
    left_out = Order(
        slot=0,
        prompt="soup",
        ratio="4:5",
        negative="hands",
        pre_edited=True,
        seed=3,
        own_camera=True,
        where="stages[0]",
    )
    said = Order(
        slot=1,
        prompt="stew",
        ratio="1:1",
        negative="forks",
        pre_edited=False,
        seed=4,
        own_camera=True,
        where="stages[1]",
    )
    assert orders(order_input, 2, STAGE) == (left_out, said)


def test_a_stage_may_spell_its_ratio_either_way() -> None:
    stages = [{"aspectRatio": "9:16"}, {"aspect-ratio": "3:4", "aspectRatio": "9:16"}]
    assert [o.ratio for o in orders({"stages": stages}, 2, STAGE)] == ["9:16", "3:4"]


def test_a_stage_without_words_of_its_own_or_the_orders_has_productions_default() -> None:
    stages = [{"prompt": " "}, {"prompt": "b"}]
    found = orders({"basePrompt": "", "stages": stages}, 2, STAGE)
    assert [order.prompt for order in found] == [DEFAULT_PROMPT, "b"]


def test_a_stages_camera_is_in_its_words_and_beside_them_where_it_is_named() -> None:
    (order,) = orders({"stages": [{"cameraAngle": "Dutch tilt", "shotType": "ECU"}]}, 1, STAGE)
    assert (order.angle, order.shot, order.own_camera) == ("Dutch tilt", "ECU", True)
    (bare,) = orders({"stages": [{}]}, 1, STAGE)
    assert bare == replace(order, angle="", shot="")


@pytest.mark.parametrize("individual", [None, []])
def test_a_merged_sheet_counts_where_a_stage_has_no_single_references(individual: object) -> None:
    stages = [{"individualImageAttachIds": individual, "mergedImageAttachId": "61101"}]
    (order,) = orders({"stages": stages}, 1, STAGE)
    (reference,) = order.references
    assert (reference.attach_id, reference.kind) == (61101, "merged")
    assert reference.where == "stages[0].mergedImageAttachId"


def test_single_references_go_before_a_merged_sheet() -> None:
    stages = [{"individualImageAttachIds": [7], "mergedImageAttachId": 8}]
    (order,) = orders({"stages": stages}, 1, STAGE)
    assert [reference.attach_id for reference in order.references] == [7]
