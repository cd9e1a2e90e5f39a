"""The letters: a typeface that has every character of a text, and lines that fit a width.

Pillow's own typeface draws plain English; a text that needs more gets one from the machine.
"""

from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

WIDER_FACES = (
    "DejaVuSans.ttf",
    "LiberationSans-Regular.ttf",
    "NotoSansCJK-Regular.ttc",
    "NotoSansKR-Regular.ttf",
    "NanumGothic.ttf",
    "AppleSDGothicNeo.ttc",
    "malgun.ttf",
    "Arial Unicode.ttf",
)
"""Tried in this order for a text that Pillow's own typeface cannot draw whole."""

ABSENT = "\uffff"
"""No typeface has this character: it draws the mark for a missing one."""

ELLIPSIS = "..."


def font(size: int, text: str = "") -> Font:
    """A typeface of this height in pixels that draws the text, as far as the machine has one."""
    return _font(size, _face("".join(sorted(set(text)))))


def wrap(text: str, fitting: Font, width: float, lines: int) -> list[str]:
    """The text in at most so many lines of at most this width; what is cut off shows as `...`."""
    wrapped: list[str] = []
    for word in text.split():
        candidate = f"{wrapped[-1]} {word}" if wrapped else word
        if wrapped and fitting.getlength(candidate) <= width:
            wrapped[-1] = candidate
        else:
            wrapped += _pieces(word, fitting, width)
    if len(wrapped) > lines:
        wrapped = [*wrapped[: lines - 1], _shorten(wrapped[lines - 1], fitting, width)]
    return wrapped


def _pieces(word: str, fitting: Font, width: float) -> list[str]:
    """A word cut where it is wider than a line, as text without spaces is."""
    pieces = [""]
    for character in word:
        if pieces[-1] and fitting.getlength(pieces[-1] + character) > width:
            pieces.append("")
        pieces[-1] += character
    return pieces


def _shorten(line: str, fitting: Font, width: float) -> str:
    while line and fitting.getlength(line + ELLIPSIS) > width:
        line = line[:-1]
    return line.rstrip() + ELLIPSIS


@lru_cache(maxsize=256)
def _font(size: int, face: str | None) -> Font:
    if face is None:
        return ImageFont.load_default(size)
    return ImageFont.truetype(face, size)


@lru_cache(maxsize=1024)
def _face(characters: str) -> str | None:
    for face in (None, *WIDER_FACES):
        try:
            fitting = _font(24, face)
        except OSError:
            continue
        absent = _pixels(ABSENT, fitting)
        if all(_pixels(c, fitting) != absent for c in characters if not c.isspace()):
            return face
    return None


def _pixels(character: str, fitting: Font) -> bytes:
    canvas = Image.new("L", (48, 48))
    ImageDraw.Draw(canvas).text((4, 4), character, fill=255, font=fitting)
    return canvas.tobytes()
