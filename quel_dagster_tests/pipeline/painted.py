"""Small pictures for the tests, in any format."""

from io import BytesIO

from PIL import ExifTags, Image

FORMATS = ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "MPO"]
Colour = str | tuple[int, ...]


def encoded(
    image: Image.Image, format_: str = "PNG", exif: Image.Exif | None = None, **how: object
) -> bytes:
    buffer = BytesIO()
    if exif is not None:
        how["exif"] = exif
    if format_ == "MPO":
        how |= {"save_all": True, "append_images": [image.copy()]}
    image.save(buffer, format_, **how)
    return buffer.getvalue()


def picture(
    width: int = 40, height: int = 30, colour: Colour = "red", format_: str = "PNG"
) -> bytes:
    mode = "RGBA" if isinstance(colour, tuple) and len(colour) == 4 else "RGB"
    return encoded(Image.new(mode, (width, height), colour), format_)


def turned(width: int, height: int, format_: str = "JPEG") -> bytes:
    """A picture that lies on its side in the file; its EXIF says how to turn it."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    return encoded(Image.new("RGB", (width, height), "blue"), format_, exif)


def opened(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image
