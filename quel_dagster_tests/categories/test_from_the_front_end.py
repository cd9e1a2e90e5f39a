"""From the front end's JSON to the words and pictures of each category."""

from collections.abc import Sequence

import pytest

from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.spec import Scene
from quel_dagster_tests.categories.orders import HEROES, RESTS, compose_of, roles, sent
from quel_dagster_tests.model.rows import orders

Document = dict[str, object]


def scenes(
    path: str, document: Document, total: int, job_type: str = "single_batch"
) -> Sequence[Scene]:
    return [compose_of(path)(order) for order in orders(document, total, job_type)]


def given(*kinds: str) -> list[Document]:
    return [{"attachId": number, "type": kind} for number, kind in enumerate(kinds, start=1)]


def test_w30_the_effect_of_a_combination_reaches_the_drawing() -> None:
    effects = ["speed-lines", "aura", "none"]
    combinations = [{"angle": "front", "shot": "bust", "quantity": 1, "fx": fx} for fx in effects]
    document: Document = {
        "basePrompt": "a fox courier",
        "individualImageAttachIds": given("character"),
        "combinations": combinations,
    }
    finishes = [scene.finish for scene in scenes("cartoon", document, 3)]
    assert finishes == [
        "Speed lines: radiating lines of motion.",
        "Aura: a glow of energy.",
        "",
    ]


def test_w30_an_unknown_effect_is_refused_by_its_combination() -> None:
    combinations = [{"quantity": 1}, {"quantity": 1, "fx": "explosion"}]
    with pytest.raises(InvalidJob, match="'explosion' is unknown; use one of none, speed-lines"):
        scenes("cartoon", {"basePrompt": "a fox", "combinations": combinations}, 2)


def test_w43_each_stage_says_whether_it_was_retouched() -> None:
    """In production the stage's word counted in one pass, and the job's in the other."""
    stages: list[Document] = [
        {"prompt": "noodles", "quantity": 2, "isPreEdited": True},
        {"prompt": "soba", "quantity": 1, "isPreEdited": False},
        {"prompt": "rice", "quantity": 1},
    ]
    found = scenes("eats", {"stages": stages, "isPreEdited": True}, 4, "pipeline_stage")
    assert [bool(scene.finish) for scene in found] == [True, True, False, True]


@pytest.mark.parametrize("path", HEROES)
def test_w46_references_play_the_same_roles_in_every_shape_of_job(path: str) -> None:
    references = given(RESTS[path], "background", HEROES[path])
    alone: Document = {"basePrompt": "calm", "individualImageAttachIds": references}
    stage: Document = {"stages": [{"prompt": "calm", **alone}]}
    simple: Document = {"prompt": "calm", "uploadedAttachIds": references}
    found = [
        *scenes(path, alone, 1),
        *scenes(path, stage, 1, "pipeline_stage"),
        *scenes(path, simple, 1, "simple_general"),
    ]
    assert [sent(scene) for scene in found] == [[(3,), (1,), (2,)]] * 3
    assert len({tuple(roles(scene)) for scene in found}) == 1


def test_the_backgrounds_of_a_stage_take_turns_among_its_pictures() -> None:
    stage: Document = {"prompt": "noodles", "quantity": 3}
    stage["individualImageAttachIds"] = given("food", "background", "background")
    document: Document = {"stages": [{"prompt": "rice", "quantity": 1}, stage]}
    found = scenes("eats", document, 4, "pipeline_stage")
    assert [sent(scene) for scene in found] == [[], [(1,), (2,)], [(1,), (3,)], [(1,), (2,)]]


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("fashion", "clothing"),
        ("beauty", "products"),
        ("eats", "ingredients"),
        ("cinema", "clothing"),
        ("cartoon", "props"),
    ],
)
def test_a_merged_sheet_of_an_old_stage_has_the_role_of_its_category(path: str, role: str) -> None:
    stage: Document = {"prompt": "calm", "mergedImageAttachId": 51_300}
    [scene] = scenes(path, {"stages": [stage]}, 1, "pipeline_stage")
    assert (roles(scene), sent(scene)) == ([role], [(51_300,)])


@pytest.mark.parametrize("path", HEROES)
def test_a_portrait_is_never_told_that_nobody_may_be_seen(path: str) -> None:
    entry: Document = {"mergedAttachId": "71001", "wrappingPrompt": "keep the person, add a scarf"}
    [scene] = scenes(path, {"mergedImages": [entry]}, 1, "simple_portrait")
    assert sent(scene) == [(71_001,)]
    assert "people" not in scene.negative
    assert scene.description == "keep the person, add a scarf"
    assert "Camera" not in scene.positive


def test_every_framing_of_one_order_sends_what_it_shows() -> None:
    document: Document = {
        "basePrompt": "calm",
        "individualImageAttachIds": given("model", "none", "shoes", "pants"),
        "combinations": [{"shot": shot, "quantity": 1} for shot in ("tight", "middle", "full")],
    }
    assert [sent(scene) for scene in scenes("fashion", document, 3)] == [
        [(1,), (2,)],
        [(1,), (4,), (2,)],
        [(1,), (4,), (2, 3)],
    ]
