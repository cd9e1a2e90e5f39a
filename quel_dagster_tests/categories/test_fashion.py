"""What a fashion order becomes in words and pictures."""

import pytest

from quel_dagster.categories.fashion.category import compose
from quel_dagster_tests.categories.orders import forbidden, order, roles, sent


@pytest.mark.parametrize(
    ("kinds", "shot", "pictures"),
    [
        (("model", "top", "pants", "shoes"), "tight", [(1,), (2,)]),
        (("model", "top", "pants", "shoes"), "middle", [(1,), (2, 3)]),
        (("model", "top", "pants", "shoes"), "full", [(1,), (2, 3), (4,)]),
        (("model", "top", "pants", "shoes"), "", [(1,), (2, 3), (4,)]),
        (("none", "shoes"), "tight", [(1,)]),
        (("none", "shoes"), "middle", [(1,)]),
        (("shoes", "none", "bag"), "Tight", [(2, 3)]),
        (("none", "shoes"), "full", [(1, 2)]),
    ],
)
def test_w35_the_framing_drops_what_it_would_cut_off_and_nothing_else(
    kinds: tuple[str, ...], shot: str, pictures: list[tuple[int, ...]]
) -> None:
    """Production kept kinds and pictures in two lists: the wrong picture of the two went."""
    assert sent(compose(order(*kinds, shot=shot))) == pictures


def test_w35_an_untold_picture_is_never_taken_for_the_shoes_beside_it() -> None:
    scene = compose(order("none", "shoes", "model", shot="middle"))
    assert sent(scene) == [(3,), (1,)]
    assert roles(scene) == ["model", "reference"]


def test_the_framing_never_drops_an_orders_only_subject() -> None:
    assert sent(compose(order("shoes", "background", shot="tight"))) == [(1,), (2,)]


def test_clothing_comes_before_accessories_on_their_sheet() -> None:
    scene = compose(order("bag", "top", "model", "acce", "pants"))
    assert sent(scene) == [(3,), (2, 5), (1, 4)]
    assert roles(scene) == ["model", "clothing", "accessories"]


def test_with_a_background_clothing_and_accessories_share_a_sheet() -> None:
    scene = compose(order("bag", "top", "model", "acce", "pants", "bg"))
    assert sent(scene) == [(3,), (2, 5, 1, 4), (6,)]
    assert roles(scene) == ["model", "clothing and accessories", "background"]
    assert "wearing every item of image 2 unchanged" in scene.positive
    assert "light from image 3" in scene.positive


def test_of_several_models_the_last_counts() -> None:
    assert sent(compose(order("model", "top", "model"))) == [(3,), (2,)]


@pytest.mark.parametrize(
    "words",
    ["wheels in the rain", "three participants", "지하의 카페, 바지", "Pants and shoes, HEELS"],
)
@pytest.mark.parametrize("shot", ["tight", "middle", "full"])
def test_w36_words_in_the_prompt_stay_whatever_the_framing_cuts_off(words: str, shot: str) -> None:
    """Production cut `wheels` to `w` and 지하의 to 지."""
    scene = compose(order("model", "shoes", prompt=words, shot=shot))
    assert scene.description == words
    assert f"\n{words}" in scene.positive


@pytest.mark.parametrize(
    ("kinds", "said", "ruled_out"),
    [
        (("model", "top", "bg"), "staged afresh", {"extra people"}),
        (("model",), "Unless the description names a place: a plain studio", {"extra people"}),
        (("bag", "bg"), "The place is exactly the one of image 2", {"people", "mannequin"}),
        (
            ("bag",),
            "product photograph of exactly 1 item, as in image 1, and nothing",
            {"people", "mannequin"},
        ),
        (("bg",), "the place of image 1, as it is", {"people", "mannequin"}),
        ((), "of what the description asks for", set[str]()),
    ],
)
def test_what_is_supplied_decides_the_kind_of_photograph(
    kinds: tuple[str, ...], said: str, ruled_out: set[str]
) -> None:
    scene = compose(order(*kinds))
    assert said in scene.positive
    assert forbidden(scene) & {"people", "mannequin", "extra people"} == ruled_out


@pytest.mark.parametrize(
    ("angle", "shot", "words"),
    [
        ("front", "full", "seen straight from the front, head to toe"),
        ("side", "middle", "at 90 degrees, from the head to mid-thigh"),
        ("profile", "tight", "a formal frontal portrait, cut at the chest"),
        ("back", "full", "from behind, turned away from the camera, head to toe"),
        ("back", "tight", "turned away from the camera, cut at the shoulder blades"),
    ],
)
def test_angle_and_framing_mean_what_the_front_end_means(angle: str, shot: str, words: str) -> None:
    assert words in compose(order("model", angle=angle, shot=shot)).positive


def test_things_are_not_framed_by_a_body() -> None:
    text = compose(order("bag", shot="full", angle="front")).positive
    assert "everything whole within the frame" in text
    assert "head to toe" not in text


def test_a_profile_has_a_plain_backdrop_unless_a_background_is_supplied() -> None:
    assert "plain and elegant" in compose(order("model", angle="profile")).positive
    assert "plain" not in compose(order("model", "bg", angle="profile")).positive
