"""Pictures as bytes: checking references, putting them on sheets, encoding what was rendered.

Which references belong together is decided in `manifest`; nothing here fetches or stores.
"""

import base64
import hashlib
import math
import struct
import zlib
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from io import BytesIO

from PIL import ExifTags, Image, ImageChops, ImageOps, UnidentifiedImageError

from quel_dagster.model.errors import RenderFailed

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
"""What customers send (`JPEG` reads MPO too). Other decoders run programs or are seldom tried."""

HEIC = (b"heic", b"heix", b"hevc", b"hevx")
"""Brands in the head of what phones keep as .heic. Why it is not read: `docs/design.md`."""

LOADABLE = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp"}
"""Formats that ComfyUI is given as they are, with their file extension."""

PLAIN = frozenset({"1", "L", "LA", "P", "RGB", "RGBA"})
"""Kinds of pixel that every ComfyUI shows alike; 16-bit and CMYK ones become RGB here."""

LARGEST_SHEET = 4096
"""Pixels of a sheet's longer side; ComfyUI's encoder scales a reference to one megapixel anyway."""

LARGEST_WEBP = 16_383
"""Pixels a side, the format's own limit."""

CLEAR = (255, 255, 255, 0)
"""White below the transparency: LoadImage drops the alpha channel and shows what is under it."""

BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    OverflowError,
    TypeError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
"""What Pillow's decoders raise for broken bytes."""


class NotAPicture(ValueError):
    """The bytes are no picture that can be decoded."""


def check(
    data: bytes,
    *,
    max_bytes: int = 50 * 1024 * 1024,
    max_side: int = 16_384,
    max_pixels: int = 64_000_000,
) -> None:
    """Makes sure that a customer's file is a picture, and not too large a one to decode.

    The size is read from the header, before any pixel is decoded.

    Raises:
        NotAPicture: tells what is wrong with it and what is accepted.
    """
    if len(data) > max_bytes:
        raise NotAPicture(f"is larger than {max_bytes // 1024**2} MiB")
    with _open(data) as image:
        width, height = image.size
    if max(width, height) > max_side or width * height > max_pixels:
        most = f"{max_side} pixels a side and {max_pixels / 1e6:g} megapixels"
        raise NotAPicture(f"has {width} x {height} pixels; use at most {most}")
    _decoded(data)


def sheet(images: Sequence[bytes], fit: tuple[int, int] | None = None) -> bytes:
    """The references as one picture for the renderer: one as it is, several as a grid.

    The grid has ceil(sqrt(n)) columns; a cell is as wide as the widest and as high as the highest
    member, each member centred in it, on a transparent ground.

    Args:
        images: pictures that were checked.
        fit: the width and height of the whole picture, with the grid as large as it can be in its
            middle; None leaves it as large as the members make it.

    Returns:
        PNG, JPEG or WebP bytes: upright, one frame, at most `LARGEST_SHEET` a side.

    Raises:
        NotAPicture: a member cannot be decoded.
    """
    if len(images) == 1 and fit is None and _is_ready(images[0]):
        return images[0]
    return _encoded(_grid(images, fit), "PNG")


def to_webp(data: bytes, quality: int = 90) -> bytes:
    """A rendered picture as it is stored: WebP without any metadata.

    Metadata goes because ComfyUI writes the whole graph, prompt included, into its files.

    Args:
        data: what the back end sent, in any format.
        quality: 0 to 100.

    Raises:
        RenderFailed: the back end sent no picture.
    """
    image = _rendered(data)
    image.thumbnail((LARGEST_WEBP, LARGEST_WEBP))
    return _encoded(image, "WEBP", quality=quality)


def thumbnail_data_url(data: bytes, side: int = 192) -> str:
    """A picture, at most `side` pixels wide and high, as a `data:` address for the Dagster UI.

    Raises:
        RenderFailed: the bytes are no picture.
    """
    image = _rendered(data)
    image.thumbnail((side, side))
    text = base64.b64encode(_encoded(image, "WEBP", quality=70)).decode()
    return f"data:image/webp;base64,{text}"


def content_name(data: bytes) -> str:
    """A file name that only the same bytes get, such as `5f3a….png`: safe to upload twice.

    Args:
        data: what `sheet` returned.

    Raises:
        NotAPicture: it is something else.
    """
    with _open(data) as image:
        return hashlib.sha256(data).hexdigest()[:24] + LOADABLE[image.format or ""]


@contextmanager
def _open(data: bytes) -> Generator[Image.Image]:
    """The picture, its header read. Whatever breaks while it is being read means the same."""
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            yield image
    except UnidentifiedImageError as error:
        is_heic = data[4:8] == b"ftyp" and any(brand in data[8:48] for brand in HEIC)
        what = "is HEIC, which is not read" if is_heic else "is not a picture"
        raise NotAPicture(f"{what}; use one of {', '.join(FORMATS)}") from error
    except BROKEN as error:
        raise NotAPicture("is a broken picture; upload it again") from error


def _decoded(data: bytes) -> Image.Image:
    """The first frame, upright: RGBA where something shines through, RGB elsewhere."""
    with _open(data) as image:
        image.load()
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith("I"):
            # 16 bits a pixel: convert() alone would clip everything above 255 to white.
            upright = upright.convert("I").point(lambda value: value * (1 / 256)).convert("L")
        plain = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    return plain if _shines_through(plain) else plain.convert("RGB")


def _shines_through(image: Image.Image) -> bool:
    return image.mode == "RGBA" and ImageChops.invert(image.getchannel("A")).getbbox() is not None


def _is_ready(data: bytes) -> bool:
    """Whether ComfyUI shows exactly this picture when it gets the bytes as they are."""
    with _open(data) as image:
        return (
            image.format in LOADABLE
            and getattr(image, "n_frames", 1) == 1
            and image.getexif().get(ExifTags.Base.Orientation, 1) == 1
            and max(image.size) <= LARGEST_SHEET
            and image.mode in PLAIN
            and not _shines_through(_decoded(data))
        )


def _grid(images: Sequence[bytes], fit: tuple[int, int] | None) -> Image.Image:
    """Pictures are decoded one by one, and twice: twenty photographs at once fill a memory."""
    widths, heights = zip(*(_decoded(data).size for data in images), strict=True)
    columns = math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    whole = columns * max(widths), rows * max(heights)
    scale = min(fit[0] / whole[0], fit[1] / whole[1]) if fit else min(1, LARGEST_SHEET / max(whole))
    cell = _scaled((max(widths), max(heights)), scale)
    size = fit or (columns * cell[0], rows * cell[1])
    corner = (size[0] - columns * cell[0]) // 2, (size[1] - rows * cell[1]) // 2
    grid = Image.new("RGBA", size, CLEAR)
    for index, data in enumerate(images):
        member = _resized(_decoded(data), scale)
        row, column = divmod(index, columns)
        left = corner[0] + column * cell[0] + (cell[0] - member.width) // 2
        top = corner[1] + row * cell[1] + (cell[1] - member.height) // 2
        visible = member.getchannel("A").point(lambda alpha: 255 if alpha else 0)
        grid.paste(member, (left, top), mask=visible)
    return grid


def _resized(image: Image.Image, scale: float) -> Image.Image:
    member = image.convert("RGBA")
    if scale == 1:
        return member
    return member.resize(_scaled(member.size, scale), Image.Resampling.LANCZOS)


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(1, int(size[0] * scale)), max(1, int(size[1] * scale))


def _rendered(data: bytes) -> Image.Image:
    try:
        return _decoded(data)
    except NotAPicture as error:
        raise RenderFailed(f"what the back end sent {error}") from error


def _encoded(image: Image.Image, format_: str, quality: int = 90) -> bytes:
    """The bytes of a picture. WebP takes no metadata over unless it is handed in."""
    buffer = BytesIO()
    image.save(buffer, format_, quality=quality)
    return buffer.getvalue()
