"""What a cinema order becomes in words and pictures."""

import pytest

from quel_dagster.categories.cinema.category import compose
from quel_dagster.model.errors import InvalidJob
from quel_dagster_tests.categories.orders import forbidden, order, roles, sent


@pytest.mark.parametrize(
    ("actors", "words"),
    [(1, "exactly 1 person,"), (2, "exactly 2 people,"), (3, "exactly 3 people,")],
)
def test_the_actors_share_one_picture_and_are_counted(actors: int, words: str) -> None:
    scene = compose(order(*["actor"] * actors))
    assert sent(scene) == [tuple(range(1, actors + 1))]
    assert words in scene.positive
    assert "extra people" in forbidden(scene)


def test_a_fourth_actor_is_refused_by_its_place_and_number() -> None:
    with pytest.raises(InvalidJob, match="4 actors in one picture; use at most 3") as refusal:
        compose(order("actor", "prop", "face", "actor", "model"))
    assert refusal.value.field == "individualImageAttachIds[4]"
    assert "reference 5 is one too many" in refusal.value.problem


@pytest.mark.parametrize("kinds", [("prop",), ("top", "pants"), ("background",), ("top", "bg")])
def test_w39_nothing_else_is_taken_for_an_actor(kinds: tuple[str, ...]) -> None:
    scene = compose(order(*kinds))
    assert "exactly" not in scene.positive
    assert "face" not in scene.positive
    assert "people" in forbidden(scene)


def test_actors_are_not_taken_for_their_clothing() -> None:
    assert sent(compose(order("actor"))) == [(1,)]


@pytest.mark.parametrize("kind", ["shoes", "bag", "acce", "none", "prop", "product"])
def test_things_are_props(kind: str) -> None:
    scene = compose(order("actor", "top", kind))
    assert sent(scene) == [(1,), (2,), (3,)]
    assert roles(scene)[2] == ("reference" if kind == "none" else "prop")


def test_with_a_background_clothing_and_props_share_a_sheet() -> None:
    scene = compose(order("actor", "top", "prop", "bg"))
    assert sent(scene) == [(1,), (2, 3), (4,)]
    assert "with the clothing and prop of image 2" in scene.positive


def test_a_film_makers_own_words_are_kept() -> None:
    text = compose(order("actor", prompt="Low angle, MS. She turns.", shot="MS")).positive
    assert "MS framing" in text
    assert "Low angle, MS. She turns." in text


@pytest.mark.parametrize(
    ("shot", "words"),
    [("tight", "shoulders up"), ("middle", "waist up"), ("full", "head to toe")],
)
def test_framings_of_people(shot: str, words: str) -> None:
    assert words in compose(order("actor", shot=shot)).positive
    assert words not in compose(order("prop", shot=shot)).positive
