"""What holds for every category alike."""

import re
from dataclasses import replace

import pytest

from quel_dagster import categories
from quel_dagster_tests.categories.orders import (
    HEROES,
    RESTS,
    compose_of,
    forbidden,
    order,
    roles,
    sent,
)

each_category = pytest.mark.parametrize("path", HEROES)


def test_the_folders_are_the_categories_in_name_order() -> None:
    paths = [category.path for category in categories.load()]
    assert paths == ["beauty", "cartoon", "cinema", "eats", "fashion", "modify"]


def test_a_category_tells_what_it_is() -> None:
    assert all(c.about and c.about.lower().startswith(c.path) for c in categories.load())


@each_category
def test_the_customers_words_arrive_whole(path: str) -> None:
    words = "Front, full. wheels of participants, 지하의 카페\n  in the rain; overhead: none"
    assert f"\n{words}" in compose_of(path)(order(prompt=words, shot="tight")).positive


@each_category
def test_the_customers_negative_words_end_the_negative_prompt(path: str) -> None:
    assert compose_of(path)(order(negative="red, hats")).negative.endswith(", red, hats")


@each_category
def test_an_order_is_always_one_picture(path: str) -> None:
    for kinds in [(), (HEROES[path],), (RESTS[path],), ("background",)]:
        scene = compose_of(path)(order(*kinds))
        assert forbidden(scene) >= {
            "split screen",
            "collage",
            "grid",
            "border",
            "letterbox",
            "duplicate subject",
        }


@each_category
@pytest.mark.parametrize(
    ("parts", "numbers"),
    [
        (("hero", "rest", "background"), [1, 2, 3]),
        (("background", "rest", "hero"), [3, 2, 1]),
        (("rest", "background"), [1, 2]),
        (("hero", "background"), [1, 2]),
        (("background",), [1]),
    ],
)
def test_hero_rest_and_background_are_numbered_by_what_is_there(
    path: str, parts: tuple[str, ...], numbers: list[int]
) -> None:
    kinds = {"hero": HEROES[path], "rest": RESTS[path], "background": "background"}
    scene = compose_of(path)(order(*(kinds[part] for part in parts)))
    assert sent(scene) == [(number,) for number in numbers]


@each_category
def test_the_text_speaks_of_every_picture_and_of_no_other(path: str) -> None:
    hero, rest = HEROES[path], RESTS[path]
    for kinds in [(hero, rest, "bg"), (hero, "bg"), (rest, "bg"), (rest, rest, rest), ("bg",), ()]:
        scene = compose_of(path)(order(*kinds))
        named = {int(number) for number in re.findall(r"[Ii]mage (\d)", scene.positive)}
        assert named == set(range(1, len(scene.sheets) + 1))


@each_category
def test_each_caption_names_the_role_of_its_picture(path: str) -> None:
    scene = compose_of(path)(order(HEROES[path], RESTS[path], RESTS[path], "bg"))
    captions = scene.positive.splitlines()[0]
    hero, rest, _ = roles(scene)
    assert captions == (
        f"Image 1 shows the {hero}. Image 2 is a sheet of 2 pictures: the {rest}. "
        "Image 3 shows the background."
    )


@each_category
@pytest.mark.parametrize("kind", ["bg", "background"])
def test_a_background_is_a_background_however_it_is_spelled(path: str, kind: str) -> None:
    scene = compose_of(path)(order(HEROES[path], kind))
    assert roles(scene)[1:] == ["background"]


@each_category
@pytest.mark.parametrize("kind", ["none", "product"])
def test_a_picture_without_a_role_of_its_own_is_used(path: str, kind: str) -> None:
    assert sent(compose_of(path)(order(kind))) == [(1,)]


@each_category
def test_w40_an_order_of_words_alone_rules_nobody_out(path: str) -> None:
    scene = compose_of(path)(order(angle="front", shot="full"))
    ruled_out = {"people", "hands", "characters", "products", "mannequin", "body parts"}
    assert not forbidden(scene) & ruled_out
    assert not re.search(r"\bno (people|products|characters)|nothing else|deserted", scene.positive)


@each_category
def test_words_alone_are_not_given_a_camera(path: str) -> None:
    assert "Camera" not in compose_of(path)(order()).positive


@each_category
def test_w40_a_picture_nobody_described_rules_nobody_out(path: str) -> None:
    scene = compose_of(path)(order("none", prompt="keep the person, add a scarf"))
    assert not forbidden(scene) & {"people", "hands", "characters", "mannequin", "body parts"}
    assert roles(scene) == ["reference"]


@each_category
def test_an_unknown_camera_is_handed_on_in_its_own_words(path: str) -> None:
    scene = compose_of(path)(order(HEROES[path], angle="Dutch tilt", shot="ECU"))
    assert "Camera: Dutch tilt view, ECU framing." in scene.positive
    assert "unless the description says otherwise" not in scene.positive


@each_category
def test_a_categorys_own_camera_gives_way_to_the_description(path: str) -> None:
    scene = compose_of(path)(order(HEROES[path]))
    assert "Camera, unless the description says otherwise: " in scene.positive
    assert "Camera: " not in scene.positive


@each_category
def test_a_stage_whose_words_direct_the_camera_is_given_none(path: str) -> None:
    stage = replace(order(HEROES[path], prompt="Back view, close-up. She turns."), own_camera=True)
    assert "Camera" not in compose_of(path)(stage).positive


@each_category
def test_the_camera_of_a_stage_gives_way_to_its_words(path: str) -> None:
    stage = replace(order(HEROES[path], angle="front", shot="ECU"), own_camera=True)
    scene = compose_of(path)(stage)
    assert str(scene.camera) == ""
    assert scene.assumed.framing == "ECU framing"
    assert "Camera, unless the description says otherwise: " in scene.positive


@each_category
@pytest.mark.parametrize("parts", [("hero",), ("rest",), ("hero", "rest", "bg"), ("bg",), ()])
def test_a_simple_order_is_what_its_words_say_and_nothing_is_ruled_out(
    path: str, parts: tuple[str, ...]
) -> None:
    """`studio packshot` and `a woman wears this in Paris` come with the same bag."""
    kinds = {"hero": HEROES[path], "rest": RESTS[path], "bg": "bg"}
    asked = order(*(kinds[part] for part in parts), prompt="a woman wears this in Paris")
    scene = compose_of(path)(replace(asked, own_camera=True, free=True))
    assert (scene.setting, str(scene.camera), str(scene.assumed)) == ("", "", "")
    assert " as the description asks" in scene.positive or not parts
    words = ("people", "person", "hands", "characters", "mannequin", "body parts", "extra")
    assert not [no for no in forbidden(scene) for word in words if no.startswith(word)]
    assert sent(scene) == [(number,) for number in range(1, len(parts) + 1)]


@each_category
def test_w32_the_same_order_makes_the_same_scene_at_every_attempt(path: str) -> None:
    asked = order(HEROES[path], RESTS[path], "bg", angle="side", shot="full")
    scene = compose_of(path)(asked)
    assert [compose_of(path)(replace(asked, copy=copy)) for copy in range(3)] == [scene] * 3


@each_category
def test_composing_the_same_order_twice_gives_the_same_scene(path: str) -> None:
    asked = order(HEROES[path], RESTS[path], "bg", angle="side", shot="full")
    assert compose_of(path)(asked) == compose_of(path)(asked)
