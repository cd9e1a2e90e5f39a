"""A picture to be changed under a mask, as the renderer is given it: canvas, mask and marked copy.

Pictures only. Where they come from is known to `retouching`, what the marks mean to the category.
"""

import math
from dataclasses import dataclass

from PIL import Image, ImageChops

LONGEST_SIDE = 2048
"""Pixels of the canvas. What is drawn has about a megapixel and would look soft in a larger one."""

MEGAPIXEL = 1024 * 1024
"""What the model draws best."""
STEP = 16
"""Sides of what the model draws are multiples of it."""

LONGEST_SHAPE = 8
"""A side may be so many times the other; beyond it a megapixel has no shape a model can fill."""

SAME_SHAPE = 1.05
"""Proportions that differ by less count as the same: a 4:3 of ours has 1152 x 896 pixels."""

BAND = (127, 127, 127)
"""Fills what a canvas has beyond the original; all of it is drawn over."""

FAINTEST_STROKE = 16
"""Of 255: the opacity from which a spot counts as painted. Markers are half transparent."""
DARKEST_STROKE = 64
"""Of 255: the same for the strongest colour of a spot in a picture without transparency."""


class BadMask(ValueError):
    """The strokes tell nothing; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Canvas:
    """Three pictures of the same size.

    Attributes:
        picture: the original, in the middle of grey bands where it was given another shape.
        mask: white where the picture is to be drawn anew, black where it stays.
        marked: the picture with the customer's strokes on it.
    """

    picture: Image.Image
    mask: Image.Image
    marked: Image.Image

    @property
    def drawn_size(self) -> tuple[int, int]:
        """Width and height at which the model draws: near the canvas's own where that can be."""
        area = self.picture.width * self.picture.height
        own = MEGAPIXEL / 2 <= area <= MEGAPIXEL * 1.5
        scale = 1.0 if own else math.sqrt(MEGAPIXEL / area)
        width, height = (max(round(side * scale / STEP), 1) * STEP for side in self.picture.size)
        return width, height


def stretch(original: Image.Image, strokes: Image.Image, ratio: str) -> Canvas:
    """The original made ready to be drawn over.

    It keeps its proportions and its size, up to `LONGEST_SIDE`; for another ratio it is not cut or
    squeezed but extended, and the bands beside it are drawn as well.

    Args:
        original: upright.
        strokes: of any size; they cover the whole original, as on the customer's screen.
        ratio: such as `16:9`, empty for the original's own.

    Raises:
        BadMask: nothing is painted, or what is painted cannot be told from what is not.
    """
    frame = framed(original.size, ratio)
    scale = min(1.0, LONGEST_SIDE / max(frame))
    width, height = (max(round(side * scale), 1) for side in frame)
    inner = (max(round(original.width * scale), 1), max(round(original.height * scale), 1))
    corner = (width - inner[0]) // 2, (height - inner[1]) // 2
    marks = with_alpha(strokes)
    picture = Image.new("RGB", (width, height), BAND)
    picture.paste(on_white(original).resize(inner, Image.Resampling.LANCZOS), corner)
    mask = Image.new("L", (width, height), 255)
    mask.paste(painted(marks).resize(inner, Image.Resampling.BILINEAR), corner)
    marked = picture.copy()
    overlay = marks.resize(inner, Image.Resampling.BILINEAR)
    marked.paste(overlay, corner, mask=overlay)
    return Canvas(picture=picture, mask=mask, marked=marked)


def framed(size: tuple[int, int], ratio: str) -> tuple[int, int]:
    """The smallest frame of a ratio that holds a picture; its own size where the shapes agree."""
    if not ratio:
        return size
    width, height = size
    across, down = map(int, ratio.split(":"))
    difference = (across / down) / (width / height)
    if max(difference, 1 / difference) < SAME_SHAPE:
        return size
    return max(width, round(height * across / down)), max(height, round(width * down / across))


def on_white(picture: Image.Image) -> Image.Image:
    """The picture without transparency."""
    whole = picture.convert("RGBA")
    ground = Image.new("RGBA", whole.size, "white")
    return Image.alpha_composite(ground, whole).convert("RGB")


def with_alpha(strokes: Image.Image) -> Image.Image:
    """The strokes on transparency. A picture without it, as JPEG is, shows them on black.

    Raises:
        BadMask: it has no transparency, and no black either.
    """
    if strokes.has_transparency_data:
        return strokes.convert("RGBA")
    red, green, blue = strokes.convert("RGB").split()
    strongest = ImageChops.lighter(red, ImageChops.lighter(green, blue))
    alpha = strongest.point(white_from(DARKEST_STROKE))
    if alpha.getextrema() == (255, 255):
        raise BadMask("has no transparency that tells what is painted; send a PNG")
    marks = strokes.convert("RGBA")
    marks.putalpha(alpha)
    return marks


def painted(marks: Image.Image) -> Image.Image:
    """White where there is a stroke, black elsewhere.

    Raises:
        BadMask: there is none.
    """
    mask = marks.getchannel("A").point(white_from(FAINTEST_STROKE))
    if mask.getbbox() is None:
        raise BadMask("nothing is painted; paint over what is to change")
    return mask


def white_from(least: int) -> list[int]:
    """For each value from 0 to 255: white from the least one on, black below it."""
    return [255 if value >= least else 0 for value in range(256)]
