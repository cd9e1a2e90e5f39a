"""One table per category decides what each kind of reference is for, whatever shape ordered it."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from quel_dagster.categories.eats.category import ROLES as EATS
from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.job import Order
from quel_dagster.pipeline.manifest import Role, Roles
from quel_dagster_tests.categories.orders import (
    HEROES,
    compose_of,
    forbidden,
    order,
    references,
    roles,
    sent,
)
from quel_dagster_tests.test_house_rules import ROOT

PATHS = ("fashion", "beauty", "eats", "cinema", "cartoon")
DOCUMENTED = re.compile(r"^\| (`.*) \|$", re.MULTILINE)


def documented() -> Iterator[tuple[str, str, str]]:
    """Path, kind and role of each cell of the table in docs/categories.md."""
    for row in DOCUMENTED.findall((ROOT / "docs" / "categories.md").read_text()):
        kinds, *found = row.split(" | ")
        for kind in re.findall(r"`(\w+)`", kinds):
            for path, role in zip(PATHS, found, strict=True):
                yield path, kind, role.replace("\N{EN DASH}", "reference")


CELLS = list(documented())
each_category = pytest.mark.parametrize("path", PATHS)
SHAPES = {
    "combination": order(),
    "stage": replace(order(), own_camera=True, where="stages[1]"),
    "simple": replace(order(), own_camera=True, free=True),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_w46_a_kind_has_the_same_role_in_every_shape_of_job(shape: str) -> None:
    asked = SHAPES[shape]
    found = {
        (path, kind): roles(compose_of(path)(replace(asked, references=references(kind))))
        for path, kind, _ in CELLS
    }
    assert len(CELLS) == 24 * len(PATHS)
    assert found == {(path, kind): [role] for path, kind, role in CELLS}


@each_category
def test_a_kind_that_a_category_does_not_know_is_used_rules_nothing_out_and_is_noted(
    path: str,
) -> None:
    scene = compose_of(path)(order("spaceship"))
    assert sent(scene) == [(1,)]
    assert roles(scene) == ["reference"]
    assert not forbidden(scene) & {"people", "hands", "characters", "mannequin", "body parts"}
    [note] = scene.notes
    assert note.startswith(f"individualImageAttachIds[0]: {path} knows no kind 'spaceship'")


def test_a_category_that_takes_no_untold_pictures_refuses_unknown_kinds_with_the_known_ones() -> (
    None
):
    strict = Roles(path="gardens", hero=Role(name="plant", kinds=("plant", "tree")), rest=())
    with pytest.raises(InvalidJob) as refusal:
        strict.sort(order("plant", "spaceship"))
    assert refusal.value.field == "individualImageAttachIds[1]"
    assert refusal.value.problem == (
        "reference 2: gardens knows no kind 'spaceship'; use one of background, bg, plant, tree"
    )


@each_category
def test_a_sheet_merged_by_an_old_front_end_rules_nothing_out(path: str) -> None:
    """Nobody knows whether a person is on it."""
    scene = compose_of(path)(replace(order("merged"), own_camera=True))
    assert "made from image 1 as the description asks" in scene.positive
    assert not forbidden(scene) & {"people", "hands", "characters", "mannequin", "body parts"}


def pictures_of(path: str, asked: Order, copies: int) -> list[list[tuple[int, ...]]]:
    return [sent(compose_of(path)(replace(asked, copy=copy))) for copy in range(copies)]


@pytest.mark.parametrize("path", ["fashion", "cinema", "cartoon"])
def test_of_several_backgrounds_the_last_counts(path: str) -> None:
    assert pictures_of(path, order("bg", "background"), 2) == [[(2,)], [(2,)]]


@pytest.mark.parametrize("path", ["beauty", "eats"])
def test_several_backgrounds_take_turns_among_the_pictures_ordered_alike(path: str) -> None:
    asked = order("bg", HEROES[path], "background", "bg")
    assert pictures_of(path, asked, 4) == [
        [(2,), (1,)],
        [(2,), (3,)],
        [(2,), (4,)],
        [(2,), (1,)],
    ]


@pytest.mark.parametrize("path", ["fashion", "beauty"])
def test_of_several_models_the_last_counts_in_every_picture(path: str) -> None:
    assert pictures_of(path, order("model", "model", "model"), 2) == [[(3,)], [(3,)]]


@pytest.mark.parametrize(("path", "kind"), [("cinema", "actor"), ("cartoon", "character")])
def test_up_to_three_share_one_picture_and_a_fourth_is_refused(path: str, kind: str) -> None:
    assert sent(compose_of(path)(order(*[kind] * 3))) == [(1, 2, 3)]
    with pytest.raises(InvalidJob, match="use at most 3") as refusal:
        compose_of(path)(order(*[kind] * 4))
    assert refusal.value.field == "individualImageAttachIds[3]"


def test_things_have_no_limit() -> None:
    many = order(*["food"] * 30, *["ingredient"] * 20)
    assert [len(sheet.references) for sheet in EATS.sort(many).sheets] == [30, 20]


def test_the_sheets_come_in_one_order_whatever_the_order_of_the_references() -> None:
    scene = compose_of("cinema")(order("prop", "top", "actor"))
    assert roles(scene) == ["actor", "clothing", "prop"]
    assert sent(scene) == [(3,), (2,), (1,)]
    assert scene.positive.startswith(
        "Image 1 shows the actor. Image 2 shows the clothing. Image 3 shows the prop."
    )
