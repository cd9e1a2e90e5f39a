"""What is drawn over: the original in its size and shape, the strokes as mask and as marks."""

import pytest
from PIL import Image, ImageChops, ImageDraw

from quel_dagster.model.sizes import SIZES
from quel_dagster.pipeline.canvas import (
    BAND,
    LONGEST_SIDE,
    MEGAPIXEL,
    BadMask,
    Canvas,
    framed,
    painted,
    stretch,
    with_alpha,
)

Colour = tuple[int, ...]


def dot(size: tuple[int, int] = (100, 80), colour: Colour = (255, 0, 0, 255)) -> Image.Image:
    """Strokes in the upper left quarter."""
    marks = Image.new("RGBA", size, (0, 0, 0, 0))
    box = (0, 0, size[0] // 2 - 1, size[1] // 2 - 1)
    ImageDraw.Draw(marks).rectangle(box, fill=colour)
    return marks


def laid(width: int, height: int, ratio: str = "") -> Canvas:
    return stretch(Image.new("RGB", (width, height), "green"), dot(), ratio)


@pytest.mark.parametrize("size", [(640, 480), (641, 479), (1, 1), (2048, 300)])
def test_a_canvas_is_the_original_itself(size: tuple[int, int]) -> None:
    original = Image.effect_noise(size, 90).convert("RGB")
    canvas = stretch(original, dot(), "")
    assert ImageChops.difference(canvas.picture, original).getbbox() is None
    assert canvas.mask.size == canvas.marked.size == size


def test_a_large_original_is_made_smaller_in_its_shape() -> None:
    canvas = laid(4000, 3000)
    assert canvas.picture.size == canvas.mask.size == (LONGEST_SIDE, 1536)
    assert canvas.mask.getbbox() == pytest.approx((0, 0, 1024, 768), abs=25)


def test_strokes_of_any_size_cover_the_whole_original() -> None:
    small = stretch(Image.new("RGB", (1000, 500), "green"), dot((50, 40)), "")
    left, top, right, bottom = small.mask.getbbox() or (0, 0, 0, 0)
    assert (left, top) == (0, 0)
    assert right == pytest.approx(500, abs=25)
    assert bottom == pytest.approx(250, abs=15)


def test_the_mask_is_white_under_the_strokes_and_black_elsewhere() -> None:
    mask = laid(100, 80).mask
    assert mask.crop((0, 0, 50, 40)).getextrema() == (255, 255)
    assert mask.crop((50, 0, 100, 80)).getextrema() == (0, 0)


def test_the_marked_copy_shows_the_strokes_in_their_colours_and_nothing_else() -> None:
    canvas = laid(100, 80)
    assert canvas.marked.getpixel((10, 10)) == (255, 0, 0)
    outside = (50, 0, 100, 80)
    copied = ImageChops.difference(canvas.marked.crop(outside), canvas.picture.crop(outside))
    assert copied.getbbox() is None


@pytest.mark.parametrize("alpha", [16, 60, 128, 255])
def test_a_half_transparent_marker_counts_as_painted(alpha: int) -> None:
    assert painted(dot(colour=(0, 0, 255, alpha))).getbbox() == (0, 0, 50, 40)


@pytest.mark.parametrize("alpha", [0, 5, 15])
def test_what_can_hardly_be_seen_does_not(alpha: int) -> None:
    with pytest.raises(BadMask, match="nothing is painted; paint over what is to change"):
        painted(dot(colour=(255, 0, 0, alpha)))


@pytest.mark.parametrize("colour", ["red", "navy", "white", "#404040"])
def test_strokes_without_transparency_stand_on_black(colour: str) -> None:
    flat = Image.new("RGB", (100, 80))
    ImageDraw.Draw(flat).rectangle((0, 0, 49, 39), fill=colour)
    assert painted(with_alpha(flat)).getbbox() == (0, 0, 50, 40)


def test_a_palette_with_a_clear_colour_is_transparent() -> None:
    flat = Image.new("P", (100, 80), 0)
    flat.putpalette([0, 0, 0, 255, 0, 0])
    flat.info["transparency"] = 0
    ImageDraw.Draw(flat).rectangle((0, 0, 49, 39), fill=1)
    assert painted(with_alpha(flat)).getbbox() == (0, 0, 50, 40)


def test_a_picture_without_transparency_and_without_black_tells_nothing() -> None:
    with pytest.raises(BadMask, match="has no transparency that tells what is painted"):
        with_alpha(Image.new("RGB", (100, 80), "white"))


def test_everything_may_be_painted_over_where_transparency_tells() -> None:
    whole = stretch(Image.new("RGB", (9, 9)), Image.new("RGBA", (9, 9), "red"), "")
    assert whole.mask.getextrema() == (255, 255)


@pytest.mark.parametrize(
    ("size", "ratio", "expected"),
    [
        ((640, 480), "", (640, 480)),
        ((640, 480), "4:3", (640, 480)),
        ((1152, 896), "4:3", (1152, 896)),
        ((640, 480), "1:1", (640, 640)),
        ((640, 480), "16:9", (853, 480)),
        ((640, 480), "9:16", (640, 1138)),
        ((480, 640), "4:5", (512, 640)),
    ],
)
def test_a_frame_holds_the_whole_original_in_the_shape_asked_for(
    size: tuple[int, int], ratio: str, expected: tuple[int, int]
) -> None:
    assert framed(size, ratio) == expected


@pytest.mark.parametrize(("ratio", "size"), SIZES.items())
def test_a_picture_of_ours_has_the_shape_of_its_ratio(ratio: str, size: tuple[int, int]) -> None:
    assert framed(size, ratio) == size


def test_bands_beside_the_original_are_grey_and_drawn_over() -> None:
    canvas = laid(100, 80, "16:9")
    assert canvas.picture.size == (142, 80)
    assert canvas.picture.getpixel((0, 40)) == BAND
    assert canvas.picture.getpixel((141, 40)) == BAND
    assert canvas.mask.crop((0, 0, 21, 80)).getextrema() == (255, 255)
    assert canvas.mask.crop((121, 0, 142, 80)).getextrema() == (255, 255)
    assert canvas.mask.crop((75, 0, 121, 80)).getextrema() == (0, 0)
    assert canvas.picture.getpixel((71, 40)) == (0, 128, 0)


def test_what_shines_through_the_original_is_white() -> None:
    clear = Image.new("RGBA", (10, 10), (0, 0, 0, 0))
    assert stretch(clear, dot((10, 10)), "").picture.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("size", [*SIZES.values(), (1024, 768), (896, 896)])
def test_a_picture_of_about_a_megapixel_is_drawn_pixel_for_pixel(size: tuple[int, int]) -> None:
    assert laid(*size).drawn_size == size


@pytest.mark.parametrize("size", [(1, 1), (64, 64), (4000, 3000), (512, 64), (641, 479)])
def test_any_other_is_drawn_with_about_a_megapixel_in_its_shape(size: tuple[int, int]) -> None:
    width, height = laid(*size).drawn_size
    assert width % 16 == height % 16 == 0
    assert width * height == pytest.approx(MEGAPIXEL, rel=0.05)
    assert width / height == pytest.approx(size[0] / size[1], rel=0.05)
