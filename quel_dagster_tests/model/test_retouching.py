"""Pictures to be retouched: every key, how many are made, what is refused and what is forgiven."""

from dataclasses import replace

import pytest

from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.fields import as_fields
from quel_dagster.model.job import Order
from quel_dagster.model.parsing import parse
from quel_dagster.model.retouch import Attached, Layer, Retouch
from quel_dagster.model.retouching import is_retouch
from quel_dagster_tests.model.masked import BARE, MASK, read, refusal, retouch
from quel_dagster_tests.model.rows import LIMITS, MEMBER, row


def test_an_order_for_retouching_is_its_words_its_picture_and_its_mask() -> None:
    original = Attached(field="originalAttachId", attach_id=80001)
    assert read({}).orders == (
        Order(
            slot=0,
            prompt="a brass button",
            ratio="",
            retouch=Retouch(original=original, mask=MASK),
        ),
    )


def test_every_key_is_read_and_none_is_remarked_on() -> None:
    given = {
        "originalImageUrl": "https://elsewhere.example/never/looked/at.png",
        "originalProductionId": "7e0b",
        "layers": [
            {"color": "red", "prompt": "turn into brass", "referenceImage": None},
            {"color": "#0000ff", "prompt": "", "referenceImage": BARE},
        ],
        "referenceImageDataUrl": f"data:image/webp;base64,{BARE}",
        "quantity": 2,
        "seed": 7,
        "negative_prompt": "rust",
        "userId": str(MEMBER),
        "quelMemberId": str(MEMBER),
        "aspect-ratio": "4:3",
        "aspectRatio": "4:3",
    }
    job = read(given, 2)
    first, second = job.orders
    assert job.warnings == ()
    assert (first.ratio, first.negative, first.seed) == ("4:3", "rust", 7)
    assert second == replace(first, slot=1, copy=1)
    assert first.retouch == Retouch(
        original=Attached(field="originalAttachId", attach_id=80001),
        mask=MASK,
        layers=(
            Layer(colour="red", prompt="turn into brass"),
            Layer(colour="#0000ff", reference=replace(MASK, field="layers[1].referenceImage")),
        ),
        reference=replace(MASK, field="referenceImageDataUrl"),
        ratio="4:3",
    )


def test_the_picture_itself_travels_in_no_value() -> None:
    assert BARE not in repr(read({"layers": [{"color": "red", "referenceImage": BARE}]}))


@pytest.mark.parametrize(
    ("job_type", "given", "expected"),
    [
        ("simple_general", {"maskDataUrl": BARE}, True),
        ("single_batch", {"maskDataUrl": BARE}, True),
        ("modify", {}, True),
        ("modify", {"maskDataUrl": None}, True),
        ("simple_general", {}, False),
        ("simple_general", {"maskDataUrl": None}, False),
        ("simple_general", {"maskDataUrl": ""}, False),
        ("simple_general", {"maskDataUrl": " \n"}, False),
    ],
)
def test_w51_a_mask_that_says_something_or_the_job_type_makes_it_a_retouch(
    job_type: str, given: object, expected: bool
) -> None:
    assert is_retouch(job_type, as_fields("job_input_data", given)) is expected


def test_a_row_that_names_the_path_without_a_mask_is_refused() -> None:
    asked = replace(row({"prompt": "a button"}), path="modify")
    with pytest.raises(InvalidJob, match="maskDataUrl: missing; expected the picture of what was"):
        parse(asked, LIMITS)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"originalAttachId": None},
            "originalImageUrl: missing; expected the picture to change, or its originalAttachId",
        ),
        (
            {"originalAttachId": "x"},
            'originalAttachId: expected a whole number of 1 or more, got "x"',
        ),
        (
            {"originalAttachId": -1},
            "originalAttachId: expected a whole number of 1 or more, got -1",
        ),
        ({"prompt": 5}, "prompt: expected a text, got 5"),
        ({"prompt": "a" * 201}, "prompt: longer than 200 characters"),
        ({"layers": "red"}, 'layers: expected a list, got "red"'),
        ({"layers": ["red"]}, 'layers[0]: expected a JSON object, got "red"'),
        ({"layers": [{"color": 5}]}, "layers[0].color: expected a text, got 5"),
        (
            {"layers": [{}, {"color": "a" * 41}]},
            f'layers[1].color: expected a colour, got "{"a" * 40}"',
        ),
        (
            {"layers": [{"color": "red", "prompt": "a" * 201}]},
            "layers[0].prompt: longer than 200 characters",
        ),
        (
            {"layers": [{"color": "red", "referenceImage": {}}]},
            "layers[0].referenceImage: expected a text, got an object",
        ),
        (
            {"layers": [{"color": "red", "referenceImage": "?"}]},
            'layers[0].referenceImage: expected a picture as a data URL or base64, got "?"',
        ),
        ({"quantity": 0}, "quantity: expected a whole number of 1 or more, got 0"),
        ({"quantity": "three"}, 'quantity: expected a whole number of 1 or more, got "three"'),
        ({"quantity": 11}, "quantity: expected a whole number from 1 to 10, got 11"),
        (
            {"quantity": 2},
            "quantity: 2 pictures ordered so far, but total_images announces 1",
        ),
        ({"aspect-ratio": "21:9"}, "aspect-ratio: '21:9' is not a ratio we make; use one of "),
    ],
)
def test_a_wrong_field_is_refused_by_its_place(given: dict[str, object], expected: str) -> None:
    assert refusal(given).startswith(expected)


@pytest.mark.parametrize(
    ("quantity", "total_images", "pictures"), [(None, 3, 3), (None, 0, 1), (2, 3, 2), ("2", 2, 2)]
)
def test_the_quantity_says_how_many_variants_are_made(
    quantity: object, total_images: int, pictures: int
) -> None:
    assert len(read({"quantity": quantity}, total_images).orders) == pictures


@pytest.mark.parametrize("layers", [[], None, [{"color": "red", "prompt": " "}]])
def test_an_order_that_does_not_say_what_to_change_is_refused(layers: object) -> None:
    expected = "prompt: nothing says what to change; give a prompt here or to a layer"
    assert refusal({"prompt": "", "layers": layers}) == expected


@pytest.mark.parametrize(
    "given",
    [
        {"layers": [{"color": "red", "prompt": "brass"}]},
        {"layers": [{"color": "red", "referenceImage": BARE}]},
        {"referenceImageDataUrl": BARE},
    ],
)
def test_a_layers_words_or_a_picture_of_what_is_wanted_say_it_too(given: dict[str, object]) -> None:
    assert read({"prompt": "", **given}).orders[0].prompt == ""


def test_a_palette_lists_unused_colours_and_words_without_a_colour_are_remarked_on() -> None:
    layers = [{"color": "red"}, {"color": "", "prompt": "gold"}, {"color": "blue", "prompt": "tin"}]
    job = read({"layers": layers})
    assert job.orders[0].retouch is not None
    assert job.orders[0].retouch.layers == (Layer(colour="blue", prompt="tin"),)
    assert job.warnings == ("layers[1].color: missing; what this layer asks for is left out",)


@pytest.mark.parametrize("given", [{}, {"aspect-ratio": None}, {"aspectRatio": " "}])
def test_without_a_ratio_the_picture_keeps_its_own(given: dict[str, object]) -> None:
    assert retouch(given).ratio == ""
