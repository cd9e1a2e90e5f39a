"""What an eats order becomes in words and pictures."""

import re

import pytest

from quel_dagster.categories.eats.category import compose
from quel_dagster_tests.categories.orders import forbidden, order, roles, sent

PEOPLE = re.compile(r"\b(faces?|outfit|shoulders?|waist|head|toe|chest|people|person)\b")


def test_w41_several_dishes_share_one_picture_and_one_number() -> None:
    scene = compose(order("food", "food", "food", "food", "ingredient"))
    assert sent(scene) == [(1, 2, 3, 4), (5,)]
    assert "with the ingredient of image 2 around it" in scene.positive
    assert "image 3" not in scene.positive


def test_w42_a_dish_alone_is_not_words_alone() -> None:
    scene = compose(order("food"))
    assert sent(scene) == [(1,)]
    assert "of the food of image 1" in scene.positive
    assert "what the description asks for" not in scene.positive


@pytest.mark.parametrize("kind", ["ingredient", "prop", "bg"])
def test_w42_nothing_else_is_taken_for_the_dish(kind: str) -> None:
    scene = compose(order(kind))
    assert sent(scene) == [(1,)]
    assert "food of image" not in scene.positive


@pytest.mark.parametrize("angle", ["", "front", "side", "profile", "back", "overhead", "macro"])
@pytest.mark.parametrize("shot", ["", "tight", "middle", "full", "full-plate", "hero-shot"])
def test_w44_the_camera_speaks_of_dishes_and_never_of_people(angle: str, shot: str) -> None:
    text = compose(order("food", angle=angle, shot=shot, prompt="noodles")).positive
    assert not PEOPLE.search(text)


@pytest.mark.parametrize(
    ("angle", "words"),
    [
        ("overhead", "flat lay, straight down"),
        ("45-degree", "halfway between overhead and table height"),
        ("macro", "extreme detail"),
        ("profile", "a formal frontal portrait of the dish"),
    ],
)
@pytest.mark.parametrize("pre_edited", [False, True])
def test_w44_the_angle_asked_for_is_the_only_one(angle: str, words: str, pre_edited: bool) -> None:
    text = compose(order("food", angle=angle, shot="full", pre_edited=pre_edited)).positive
    assert text.count("Camera") == 1
    assert words in text


def test_w44_the_categorys_own_camera_is_one_for_dishes() -> None:
    scene = compose(order("food", prompt="noodles"))
    assert str(scene.camera) == ""
    assert scene.assumed.angle == "diagonally from above, halfway between overhead and table height"
    assert scene.assumed.framing == "the whole dish within the frame"


def test_a_description_of_an_overhead_view_is_an_overhead_view() -> None:
    text = compose(order("food", prompt="Overhead shot of cold soba")).positive
    assert "Camera: a flat lay" in text
    assert "diagonally" not in text


def test_an_angle_asked_for_wins_over_the_description() -> None:
    text = compose(order("food", prompt="overhead lamps", angle="side")).positive
    assert "flat lay" not in text


@pytest.mark.parametrize("kinds", [("food",), ("food", "bg"), ()])
def test_w44_surroundings_are_never_forbidden(kinds: tuple[str, ...]) -> None:
    scene = compose(order(*kinds, shot="context"))
    assert "table with its surroundings" in scene.positive
    assert not forbidden(scene) & {"table", "plate", "tableware", "surroundings", "people"}


@pytest.mark.parametrize("kinds", [("food", "bg"), ("food",), ("ingredient",), ("bg",), ()])
def test_w43_a_retouched_order_has_words_of_its_own(kinds: tuple[str, ...]) -> None:
    plain = compose(order(*kinds, prompt="soba"))
    retouched = compose(order(*kinds, prompt="soba", pre_edited=True))
    assert retouched.sheets == plain.sheets
    assert "naturally arranged" not in retouched.positive
    assert "Textures are crisp" in retouched.positive
    assert retouched.positive.index("soba") < retouched.positive.index("Textures")


@pytest.mark.parametrize("kinds", [("food", "ingredient", "prop"), ("food", "prop")])
def test_ingredients_and_props_have_a_sheet_each(kinds: tuple[str, ...]) -> None:
    assert roles(compose(order(*kinds))) == list(kinds)
    shared = compose(order("food", "ingredient", "prop", "bg"))
    assert roles(shared) == ["food", "ingredient and prop", "background"]


def test_a_dish_stands_in_its_background() -> None:
    assert "in the place of image 2" in compose(order("food", "bg")).positive
