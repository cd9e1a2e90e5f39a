"""Modify in words: which picture is which, what each colour means, and what stays."""

import pytest

from quel_dagster.categories.modify.category import CATEGORY, colour, compose
from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.job import Order
from quel_dagster.model.retouch import Attached, Embedded, Layer, Retouch
from quel_dagster.pipeline.composing import ONE_PICTURE

ORIGINAL = Attached(field="originalAttachId", attach_id=80001)
MASK = Embedded(field="maskDataUrl", sha256="0" * 64)
WANTED = Embedded(field="referenceImageDataUrl", sha256="1" * 64)
RED = Layer(colour="red", prompt="turn into a brass button")
BLUE = Layer(
    colour="#0000ff", reference=Embedded(field="layers[1].referenceImage", sha256="2" * 64)
)
MARKED = "Image 1 is the picture to change. Image 2 is the same picture with coloured marks on it."
REST = (
    "Everything else stays exactly as in image 1. What is changed has its perspective, light, "
    "colours and grain."
)


def order(
    prompt: str = "", *layers: Layer, wanted: Embedded | None = None, ratio: str = ""
) -> Order:
    retouch = Retouch(original=ORIGINAL, mask=MASK, layers=layers, reference=wanted, ratio=ratio)
    return Order(slot=0, prompt=prompt, negative="rust", ratio=ratio, retouch=retouch)


def words(asked: Order) -> list[str]:
    return compose(asked).positive.splitlines()


def test_words_alone_change_what_is_painted_over() -> None:
    assert words(order("a brass button,\n  worn")) == [
        "Image 1 is the picture to change.",
        "The same picture with these changes and no others:",
        "a brass button,",
        "  worn",
        REST,
    ]


def test_colours_mean_what_their_layers_say() -> None:
    assert words(order("all of it shiny", RED, BLUE)) == [
        f"{MARKED} Image 3 shows what is wanted.",
        "The same picture with these changes and no others:",
        "Where image 2 is marked red: turn into a brass button",
        "Where image 2 is marked blue (#0000ff): as in image 3.",
        "all of it shiny",
        REST,
    ]


def test_several_pictures_of_what_is_wanted_are_told_apart_on_their_sheet() -> None:
    both = Layer(colour="red", prompt="a button", reference=BLUE.reference)
    sheet = "Image 3 is a sheet of 2 pictures of what is wanted, counted row by row from the left."
    assert words(order("", both, wanted=WANTED))[:4] == [
        f"{MARKED} {sheet}",
        "The same picture with these changes and no others:",
        "What is wanted is as in picture 1 of image 3.",
        "Where image 2 is marked red, as in picture 2 of image 3: a button",
    ]


def test_without_layers_the_picture_of_what_is_wanted_is_the_second() -> None:
    assert words(order("", wanted=WANTED))[:3] == [
        "Image 1 is the picture to change. Image 2 shows what is wanted.",
        "The same picture with these changes and no others:",
        "What is wanted is as in image 2.",
    ]


def test_another_shape_is_filled_beside_the_original() -> None:
    expected = f"{REST} Where image 1 ends in grey bands, the scene goes on into them."
    assert words(order("a button", ratio="1:1"))[-1] == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("red", "red"),
        ("빨강", "빨강"),
        ("#f00", "red (#f00)"),
        ("#FF1493", "pink (#FF1493)"),
        ("rgb(10, 200, 30)", "green (rgb(10, 200, 30))"),
        ("rgba(1,2,3,0.5)", "rgba(1,2,3,0.5)"),
        ("#12", "#12"),
    ],
)
def test_a_colour_code_is_given_a_name(given: str, expected: str) -> None:
    assert colour(given) == expected


def test_marks_and_collages_are_ruled_out() -> None:
    never = set(compose(order("a button")).negative.split(", "))
    assert never >= {*ONE_PICTURE, "coloured marks", "brush strokes", "rust"}


def test_an_order_without_a_picture_to_change_is_refused() -> None:
    with pytest.raises(InvalidJob, match="maskDataUrl: missing; path modify changes a picture"):
        compose(Order(slot=0, prompt="a button"))


def test_it_tells_what_it_is() -> None:
    assert (CATEGORY.about or "").startswith("Modify: ")
