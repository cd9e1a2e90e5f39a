"""What is uploaded for a change under a mask, and pictures that are not what they were."""

from dataclasses import replace
from typing import cast

import pytest
from PIL import ExifTags, Image, ImageChops

from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.retouch import Attached, Embedded, Layer, Retouch, Source
from quel_dagster.pipeline.references import Enclosure
from quel_dagster.pipeline.retouching import develop, fetch
from quel_dagster.pipeline.studio import Studio
from quel_dagster_tests.house import House
from quel_dagster_tests.pipeline.painted import encoded, opened, picture

ORIGINAL = Attached(field="originalAttachId", attach_id=1)
MASK = Embedded(field="maskDataUrl", sha256="0")
WANTED = Embedded(field="referenceImageDataUrl", sha256="1")
BLUE = Embedded(field="layers[0].referenceImage", sha256="2")
PLAIN = Retouch(original=ORIGINAL, mask=MASK)
LAYERED = replace(PLAIN, layers=(Layer(colour="red", prompt="a button", reference=BLUE),))


def strokes() -> bytes:
    marks = Image.new("RGBA", (80, 60))
    marks.paste("red", (0, 0, 40, 60))
    return encoded(marks)


def developed(retouch: Retouch, original: bytes | None = None) -> Enclosure:
    pictures: dict[Source, bytes] = {
        ORIGINAL: original or picture(80, 60, "green"),
        MASK: strokes(),
        WANTED: picture(30, 30, "gold", "JPEG"),
        BLUE: picture(40, 20, "silver"),
    }
    return develop(retouch, pictures)


def colours(data: bytes) -> list[tuple[int, ...]]:
    """The pixels at the left and at the right edge."""
    image = opened(data).convert("RGB")
    ends = (1, 1), (image.width - 2, 1)
    return [cast("tuple[int, ...]", image.getpixel(end)) for end in ends]


def test_the_original_and_its_mask_are_enough() -> None:
    enclosure = developed(PLAIN)
    assert [colours(data) for data in enclosure.references] == [[(0, 128, 0), (0, 128, 0)]]
    assert enclosure.mask is not None
    assert colours(enclosure.mask) == [(255, 255, 255), (0, 0, 0)]
    assert enclosure.size == (1184, 880)


def test_colours_with_a_meaning_are_shown_on_a_marked_copy() -> None:
    original, marked, wanted = developed(LAYERED).references
    assert colours(original) == [(0, 128, 0), (0, 128, 0)]
    assert colours(marked) == [(255, 0, 0), (0, 128, 0)]
    assert opened(wanted).size == (40, 20)


def test_several_pictures_of_what_is_wanted_share_a_sheet() -> None:
    *_, sheet = developed(replace(LAYERED, reference=WANTED)).references
    assert opened(sheet).size == (80, 30)


def test_a_photograph_that_lies_on_its_side_is_turned_like_the_strokes_over_it() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    lying = encoded(Image.effect_noise((60, 80), 90).convert("RGB"), "JPEG", exif)
    (canvas,) = developed(PLAIN, lying).references
    upright = opened(lying).convert("RGB").transpose(Image.Transpose.ROTATE_270)
    assert ImageChops.difference(opened(canvas), upright).getbbox() is None


def test_a_picture_in_the_row_that_was_changed_meanwhile_is_refused(house: House) -> None:
    studio = cast("Studio", house.resources["studio"])
    with pytest.raises(InvalidJob, match="maskDataUrl: was changed after the job began"):
        fetch(studio, MASK, {"maskDataUrl": strokes()})
    with pytest.raises(InvalidJob, match="maskDataUrl: was changed after the job began"):
        fetch(studio, MASK, {})
