"""Several references become one sheet."""

import pytest
from PIL import ExifTags, Image

from quel_dagster.pipeline.pictures import LARGEST_SHEET, NotAPicture, sheet
from quel_dagster_tests.pipeline.painted import encoded, opened, picture, turned


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP"])
def test_a_single_reference_is_sent_as_it_is(format_: str) -> None:
    data = picture(format_=format_)
    assert sheet([data]) is data


@pytest.mark.parametrize("format_", ["GIF", "BMP", "TIFF", "AVIF", "MPO"])
def test_a_format_that_comfyui_may_not_load_becomes_png(format_: str) -> None:
    made = opened(sheet([picture(format_=format_)]))
    assert (made.format, made.size) == ("PNG", (40, 30))


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_reference_is_turned_upright(format_: str) -> None:
    made = opened(sheet([turned(40, 30, format_)]))
    assert made.size == (30, 40)
    assert made.getexif().get(ExifTags.Base.Orientation, 1) == 1


def test_an_animation_is_its_first_frame() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    moving = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    made = opened(sheet([moving]))
    assert getattr(made, "n_frames", 1) == 1
    assert made.convert("RGB").getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize(
    ("members", "columns", "rows"),
    [(2, 2, 1), (3, 2, 2), (4, 2, 2), (5, 3, 2), (7, 3, 3), (9, 3, 3), (10, 4, 3)],
)
def test_several_references_form_a_grid(members: int, columns: int, rows: int) -> None:
    made = opened(sheet([picture(20, 10)] * members))
    assert (made.format, made.size) == ("PNG", (20 * columns, 10 * rows))


def test_members_stand_centred_in_equal_cells_in_their_order() -> None:
    made = opened(sheet([picture(40, 10, "red"), picture(20, 30, "lime"), turned(10, 20)]))
    assert made.size == (80, 60)
    solid = [
        (5, 15, (255, 0, 0)),
        (60, 15, (0, 255, 0)),
        (20, 45, (0, 0, 254)),
    ]
    for left, top, colour in solid:
        assert made.getpixel((left, top)) == pytest.approx((*colour, 255), abs=2)
    for empty in [(5, 5), (45, 15), (75, 15), (60, 45)]:
        assert made.getpixel(empty) == (255, 255, 255, 0)


@pytest.mark.parametrize(
    ("members", "size", "fit", "inside"),
    [
        (2, (100, 100), (1344, 768), (0, 48, 1344, 720)),
        (2, (100, 100), (768, 1344), (0, 480, 768, 864)),
        (4, (4000, 2000), (1152, 896), (0, 160, 1152, 736)),
        (3, (10, 40), (896, 1088), (312, 0, 584, 1088)),
    ],
)
def test_a_grid_is_fitted_into_the_picture_and_keeps_its_proportions(
    members: int, size: tuple[int, int], fit: tuple[int, int], inside: tuple[int, int, int, int]
) -> None:
    made = opened(sheet([picture(*size)] * members, fit))
    assert made.size == fit
    found = made.getchannel("A").getbbox()
    assert found is not None
    assert found == pytest.approx(inside, abs=3)


def test_a_fitted_grid_is_white_where_it_is_empty() -> None:
    made = opened(sheet([picture(20, 20), picture(20, 20, (0, 0, 200, 128))], (80, 80)))
    assert made.getpixel((40, 5)) == (255, 255, 255, 0)
    assert made.getpixel((60, 40)) == pytest.approx((0, 0, 200, 128), abs=2)


def test_what_shines_through_is_white_below() -> None:
    clear_black = picture(4, 4, (0, 0, 0, 0))
    assert opened(sheet([clear_black])).getpixel((0, 0)) == (255, 255, 255, 0)
    assert opened(sheet([clear_black, picture(4, 4)])).getpixel((0, 0)) == (255, 255, 255, 0)
    half = opened(sheet([picture(4, 4, (0, 0, 200, 128))]))
    assert half.getpixel((0, 0)) == (0, 0, 200, 128)


def test_an_alpha_channel_that_hides_nothing_changes_nothing() -> None:
    data = picture(4, 4, (0, 0, 200, 255))
    assert sheet([data]) is data


@pytest.mark.parametrize(
    ("mode", "format_"), [("I;16", "PNG"), ("I;16B", "TIFF"), ("I;16", "TIFF"), ("I", "TIFF")]
)
def test_sixteen_bits_a_pixel_keep_their_brightness(mode: str, format_: str) -> None:
    grey = encoded(Image.new(mode, (4, 4), 128 * 256), format_)
    made = opened(sheet([grey, grey])).convert("RGB")
    assert made.getpixel((0, 0)) == (128, 128, 128)


@pytest.mark.parametrize("members", [1, 2])
def test_the_colours_of_print_become_those_of_a_screen(members: int) -> None:
    print_red = encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG")
    made = opened(sheet([print_red] * members))
    assert made.mode in {"RGB", "RGBA"}
    red, green, blue = made.convert("RGB").getpixel((4, 4))  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType] - a pixel of three bands
    assert (red, green, blue) == pytest.approx((254, 0, 0), abs=6)


@pytest.mark.parametrize("members", [1, 2])
def test_a_palette_keeps_its_colours_and_what_shines_through(members: int) -> None:
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, 0, 0, 200])
    palette.putpixel((0, 0), 0)
    made = opened(sheet([encoded(palette, "GIF", transparency=0)] * members))
    assert made.convert("RGBA").getpixel((4, 4)) == (0, 0, 200, 255)
    assert made.convert("RGBA").getpixel((0, 0)) == (255, 255, 255, 0)


@pytest.mark.parametrize("members", [1, 5])
def test_a_sheet_is_bounded_and_keeps_its_proportions(members: int) -> None:
    made = opened(sheet([picture(6000, 1500, format_="JPEG")] * members))
    assert max(made.size) <= LARGEST_SHEET
    columns, rows = (1, 1) if members == 1 else (3, 2)
    assert made.width / made.height == pytest.approx(4 * columns / rows, rel=0.01)


def test_the_same_references_give_the_same_bytes() -> None:
    members = [picture(20, 10, "red"), picture(10, 20, "blue", "JPEG")]
    assert sheet(members) == sheet(members)


def test_a_member_that_cannot_be_decoded_is_never_left_out_silently() -> None:
    with pytest.raises(NotAPicture, match="is not a picture"):
        sheet([picture(), b"nothing"])
