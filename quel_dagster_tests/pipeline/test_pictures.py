"""References are checked, finished pictures encoded."""

import base64
import hashlib
import random
import struct
import warnings
import zlib

import pytest
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from quel_dagster.model.errors import RenderFailed
from quel_dagster.pipeline.pictures import (
    NotAPicture,
    check,
    content_name,
    sheet,
    thumbnail_data_url,
    to_webp,
)
from quel_dagster_tests.pipeline.painted import FORMATS, encoded, opened, picture


def huge_png(width: int, height: int) -> bytes:
    """A file of a few bytes that claims to be enormous."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


class TestCheck:
    @pytest.mark.parametrize("format_", FORMATS)
    def test_any_common_format_is_accepted(self, format_: str) -> None:
        check(picture(format_=format_))

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
    def test_any_kind_of_pixel_is_accepted(self, mode: str) -> None:
        check(encoded(Image.new(mode, (4, 4))))

    @pytest.mark.parametrize(
        "data",
        [b"", b"hello", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"%!PS-Adobe"],
    )
    def test_what_is_no_picture_is_refused_with_what_is_accepted(self, data: bytes) -> None:
        with pytest.raises(NotAPicture, match="is not a picture; use one of PNG, JPEG, WEBP"):
            check(data)

    @pytest.mark.parametrize("brands", [b"heic\0\0\0\0mif1heic", b"mif1\0\0\0\0mif1heic"])
    def test_a_phones_own_format_is_refused_by_name(self, brands: bytes) -> None:
        data = b"\x00\x00\x00\x18ftyp" + brands + bytes(400)
        with pytest.raises(NotAPicture, match="is HEIC, which is not read; use one of PNG, JPEG"):
            check(data)

    @pytest.mark.parametrize("format_", FORMATS)
    def test_half_a_picture_is_refused(self, format_: str) -> None:
        noise = Image.effect_noise((80, 60), 90).convert("RGB")
        whole = encoded(noise, format_)
        with pytest.raises(NotAPicture, match="is "):
            check(whole[: len(whole) // 2])

    @pytest.mark.parametrize(
        ("width", "height"), [(20_000, 100), (9_000, 9_000), (14_000, 14_000), (100_000, 100_000)]
    )
    def test_a_bomb_is_refused_by_its_header(self, width: int, height: int) -> None:
        with pytest.raises(NotAPicture, match=r"pixels|broken"):
            check(huge_png(width, height))

    def test_limits_are_inclusive_and_named(self) -> None:
        check(picture(40, 30), max_side=40, max_pixels=1200)
        with pytest.raises(NotAPicture, match="has 40 x 30 pixels; use at most 39 pixels a side"):
            check(picture(40, 30), max_side=39)
        with pytest.raises(NotAPicture, match="has 40 x 30 pixels"):
            check(picture(40, 30), max_pixels=1199)

    def test_a_file_too_large_is_not_even_opened(self) -> None:
        with pytest.raises(NotAPicture, match="is larger than 1 MiB"):
            check(b"x" * (1024**2 + 1), max_bytes=1024**2)

    @pytest.mark.parametrize("format_", FORMATS)
    def test_damaged_bytes_are_refused_and_never_anything_else(self, format_: str) -> None:
        dice = random.Random(format_)
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = 6
        whole = encoded(Image.effect_noise((24, 16), 90).convert("RGB"), format_, exif)
        outcomes: set[str] = set()
        for _ in range(150):
            damaged = bytearray(whole)
            for _ in range(dice.choice([1, 4, 16])):
                damaged[dice.randrange(len(damaged))] = dice.randrange(256)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                outcomes.add(self.outcome(bytes(damaged)))
        assert outcomes <= {"accepted", "refused"}

    @staticmethod
    def outcome(data: bytes) -> str:
        try:
            check(data)
            sheet([data])
        except NotAPicture:
            return "refused"
        return "accepted"


class TestRenderedPictures:
    @pytest.mark.parametrize("format_", FORMATS)
    def test_any_format_becomes_webp(self, format_: str) -> None:
        made = opened(to_webp(picture(format_=format_)))
        assert (made.format, made.size) == ("WEBP", (40, 30))

    def test_metadata_is_left_behind(self) -> None:
        notes = PngInfo()
        notes.add_text("prompt", "a secret prompt")
        exif = Image.Exif()
        exif[ExifTags.Base.ImageDescription] = "a secret place"
        data = encoded(Image.new("RGB", (8, 8)), "PNG", exif, pnginfo=notes, icc_profile=b"secret")
        assert b"secret" in data
        for made in (to_webp(data), base64.b64decode(thumbnail_data_url(data).split(",")[1])):
            assert b"secret" not in made
            assert not opened(made).getexif()

    def test_transparency_is_kept(self) -> None:
        assert opened(to_webp(picture(8, 8, (0, 0, 200, 128)))).mode == "RGBA"

    def test_quality_decides_the_size(self) -> None:
        noise = encoded(Image.effect_noise((200, 200), 90))
        assert len(to_webp(noise, quality=20)) < len(to_webp(noise)) < len(to_webp(noise, 100))

    @pytest.mark.parametrize("data", [b"", b"<html>502</html>", picture()[:40]])
    def test_a_back_end_that_sends_no_picture_has_failed(self, data: bytes) -> None:
        with pytest.raises(RenderFailed, match="what the back end sent is "):
            to_webp(data)
        with pytest.raises(RenderFailed):
            thumbnail_data_url(data)

    def test_a_thumbnail_is_a_small_data_address(self) -> None:
        url = thumbnail_data_url(picture(1344, 768), side=96)
        kind, _, text = url.partition(";base64,")
        small = opened(base64.b64decode(text))
        assert kind == "data:image/webp"
        assert small.format == "WEBP"
        assert small.width == 96
        assert small.height in {54, 55}
        assert len(url) < 2000

    def test_a_thumbnail_never_enlarges(self) -> None:
        small = opened(base64.b64decode(thumbnail_data_url(picture(20, 10)).partition(",")[2]))
        assert small.size == (20, 10)


class TestContentName:
    @pytest.mark.parametrize(
        ("format_", "extension"), [("PNG", "png"), ("JPEG", "jpg"), ("WEBP", "webp")]
    )
    def test_a_name_follows_from_the_bytes(self, format_: str, extension: str) -> None:
        data = picture(format_=format_)
        assert content_name(data) == f"{hashlib.sha256(data).hexdigest()[:24]}.{extension}"

    def test_different_bytes_have_different_names(self) -> None:
        assert content_name(picture(colour="red")) != content_name(picture(colour="blue"))

    def test_only_pictures_have_names(self) -> None:
        with pytest.raises(NotAPicture):
            content_name(b"x")
