"""What a cartoon order becomes in words and pictures."""

from dataclasses import replace

import pytest

from quel_dagster.categories.cartoon.category import compose
from quel_dagster.model.errors import InvalidJob
from quel_dagster_tests.categories.orders import forbidden, order, sent


@pytest.mark.parametrize(
    ("fx", "words"),
    [
        ("speed-lines", "lines of motion"),
        ("impact", "shockwave"),
        ("aura", "glow of energy"),
        ("emotion", "sweat drops"),
        ("Speed Lines", "lines of motion"),
    ],
)
def test_w30_an_effect_is_drawn(fx: str, words: str) -> None:
    assert words in compose(order("character", fx=fx)).positive
    assert words not in compose(order("character")).positive


@pytest.mark.parametrize("fx", ["", "none"])
def test_no_effect_adds_no_words(fx: str) -> None:
    assert compose(order("character", fx=fx)) == compose(order("character"))


def test_an_unknown_effect_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidJob, match="none, speed-lines, impact, aura, emotion") as refusal:
        compose(replace(order("character", fx="explosion"), where="combinations[1]"))
    assert refusal.value.field == "combinations[1].fx"


@pytest.mark.parametrize("kinds", [("character",), ("character", "prop", "bg"), ("prop",), ()])
def test_w45_a_drawing_is_never_asked_to_be_a_photograph(kinds: tuple[str, ...]) -> None:
    scene = compose(order(*kinds))
    assert "photo" not in scene.positive
    assert "illustration" in scene.positive
    assert "photograph" in forbidden(scene)


@pytest.mark.parametrize("kinds", [("prop",), ("background",), ("shoes", "bg")])
def test_w39_nothing_else_is_taken_for_a_character(kinds: tuple[str, ...]) -> None:
    scene = compose(order(*kinds))
    assert "exactly" not in scene.positive
    assert "characters" in forbidden(scene)


def test_characters_are_counted_and_at_most_three() -> None:
    assert "exactly 3 characters" in compose(order("character", "face", "model")).positive
    with pytest.raises(InvalidJob, match="4 characters in one picture; use at most 3"):
        compose(order(*["character"] * 4))


def test_a_character_is_not_taken_for_a_prop() -> None:
    assert sent(compose(order("character"))) == [(1,)]


@pytest.mark.parametrize(
    ("angle", "shot", "words"),
    [
        (
            "three-quarter",
            "bust",
            "turned 30 to 45 degrees away from the camera, from the chest up",
        ),
        ("low-angle", "portrait", "from below, looking up, from the neck up"),
        ("high-angle", "full-body", "from above, looking down, the full body"),
        ("front", "full", "seen straight from the front, the full body"),
    ],
)
def test_angle_and_framing_mean_what_the_front_end_means(angle: str, shot: str, words: str) -> None:
    assert words in compose(order("character", angle=angle, shot=shot)).positive
