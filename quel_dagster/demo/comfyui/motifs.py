"""The ground of a picture: a colour scheme and a pattern for each production path.

The five known paths have their own; any other path gets a hue of its own and circles. A pattern is
drawn from a `Random`, so the same seed gives the same ground.
"""

from collections.abc import Callable
from colorsys import hls_to_rgb
from dataclasses import dataclass
from hashlib import sha256
from math import cos, pi, sin, tau
from random import Random

from PIL import Image, ImageDraw, ImageOps

Colour = tuple[int, int, int]
Pattern = Callable[["Brush"], None]


@dataclass(frozen=True, kw_only=True)
class Brush:
    """Where a pattern draws: a canvas of `width` x `height`, in its `tints`, by its `chance`."""

    canvas: ImageDraw.ImageDraw
    width: int
    height: int
    tints: tuple[Colour, ...]
    chance: Random

    def tint(self, opacity: int) -> tuple[int, int, int, int]:
        """One of the tints, at an opacity of 0 to 255."""
        return (*self.chance.choice(self.tints), opacity)

    def circle(self, x: float, y: float, radius: float, opacity: int) -> None:
        """A filled circle around a point."""
        box = (x - radius, y - radius, x + radius, y + radius)
        self.canvas.ellipse(box, fill=self.tint(opacity))


def folds(brush: Brush) -> None:
    """Fashion: cloth that hangs in waves."""
    waves = brush.chance.randint(7, 9)
    for wave in range(waves):
        base = brush.width * (wave - 0.5) / (waves - 1)
        swing = brush.width * brush.chance.uniform(0.03, 0.09)
        phase, turns = brush.chance.uniform(0, tau), brush.chance.uniform(0.6, 1.4)
        edge = [
            (base + swing * sin(phase + tau * turns * y / brush.height), y)
            for y in range(-8, brush.height + 9, 8)
        ]
        far = [(x + brush.width * 0.16, y) for x, y in reversed(edge)]
        brush.canvas.polygon(edge + far, fill=brush.tint(46))


def bubbles(brush: Brush) -> None:
    """Beauty: light out of focus."""
    for _ in range(26):
        x, y = brush.chance.random() * brush.width, brush.chance.random() * brush.height
        radius = min(brush.width, brush.height) * brush.chance.uniform(0.03, 0.2)
        brush.circle(x, y, radius, 34)
        brush.circle(x - radius * 0.12, y - radius * 0.12, radius * 0.72, 26)


def plates(brush: Brush) -> None:
    """Eats: a set table from above."""
    places = 5
    for place in range(places):
        x = brush.width * (place + brush.chance.uniform(0.1, 0.9)) / places
        y = brush.height * brush.chance.uniform(0.1, 0.9)
        radius = min(brush.width, brush.height) * brush.chance.uniform(0.2, 0.36)
        for ring, opacity in ((1.0, 60), (0.9, 40), (0.66, 60), (0.6, 50)):
            brush.circle(x, y, radius * ring, opacity)
        for _ in range(brush.chance.randint(4, 8)):
            angle, reach = brush.chance.uniform(0, tau), radius * brush.chance.uniform(0, 0.42)
            brush.circle(x + reach * cos(angle), y + reach * sin(angle), radius * 0.1, 150)


def beams(brush: Brush) -> None:
    """Cinema: a projector's beams."""
    x, y = brush.width * brush.chance.uniform(0.55, 1.05), -0.1 * brush.height
    reach = 2 * max(brush.width, brush.height)
    for _ in range(9):
        angle = brush.chance.uniform(pi * 0.28, pi * 0.98)
        spread = brush.chance.uniform(0.02, 0.09)
        ends = [(x + reach * cos(a), y + reach * sin(a)) for a in (angle - spread, angle + spread)]
        brush.canvas.polygon([(x, y), *ends], fill=brush.tint(30))


def dots(brush: Brush) -> None:
    """Cartoon: a printer's dots, larger towards one corner."""
    step = max(min(brush.width, brush.height) // 16, 4)
    lean = brush.chance.choice((1, -1))
    for row, y in enumerate(range(0, brush.height + step, step)):
        for x in range(row % 2 * step // 2, brush.width + step, step):
            across = x / brush.width if lean > 0 else 1 - x / brush.width
            size = 0.12 + 0.42 * (across + y / brush.height) / 2
            brush.circle(x, y, step * size, 44)


def circles(brush: Brush) -> None:
    """Any other path."""
    for _ in range(14):
        x, y = brush.chance.random() * brush.width, brush.chance.random() * brush.height
        brush.circle(x, y, min(brush.width, brush.height) * brush.chance.uniform(0.05, 0.3), 36)


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """A path's look: the ground runs from `dark` to `light`, the pattern uses the `tints`."""

    dark: Colour
    light: Colour
    tints: tuple[Colour, ...]
    pattern: Pattern


SCHEMES = {
    "fashion": Scheme(
        dark=(58, 12, 46),
        light=(222, 72, 122),
        tints=((255, 214, 224), (255, 120, 160), (40, 4, 40)),
        pattern=folds,
    ),
    "beauty": Scheme(
        dark=(176, 88, 96),
        light=(250, 190, 168),
        tints=((255, 240, 230), (255, 214, 200), (255, 180, 190)),
        pattern=bubbles,
    ),
    "eats": Scheme(
        dark=(34, 66, 42),
        light=(214, 140, 46),
        tints=((255, 246, 214), (226, 86, 50), (120, 170, 70), (250, 206, 90)),
        pattern=plates,
    ),
    "cinema": Scheme(
        dark=(6, 10, 24),
        light=(24, 92, 116),
        tints=((255, 226, 160), (140, 220, 255), (255, 255, 255)),
        pattern=beams,
    ),
    "cartoon": Scheme(
        dark=(66, 38, 168),
        light=(255, 178, 36),
        tints=((255, 236, 92), (255, 94, 120), (64, 214, 255)),
        pattern=dots,
    ),
}


def scheme(path: str) -> Scheme:
    """The look of a path."""
    if path in SCHEMES:
        return SCHEMES[path]
    hue = sha256(path.encode()).digest()[0] / 256
    shades = (_shade(hue, lightness) for lightness in (0.16, 0.5, 0.85, 0.65))
    dark, light, *tints = shades
    return Scheme(dark=dark, light=light, tints=tuple(tints), pattern=circles)


def ground(path: str, width: int, height: int, chance: Random) -> Image.Image:
    """The coloured and patterned ground of a picture, in RGB."""
    look = scheme(path)
    slope = Image.linear_gradient("L").rotate(
        chance.choice((35, -35)), resample=Image.Resampling.BICUBIC
    )
    slope = slope.crop((52, 52, 204, 204)).resize((width, height), Image.Resampling.BICUBIC)
    picture = ImageOps.colorize(slope, look.dark, look.light)
    brush = Brush(
        canvas=ImageDraw.Draw(picture, "RGBA"),
        width=width,
        height=height,
        tints=look.tints,
        chance=chance,
    )
    look.pattern(brush)
    return picture


def _shade(hue: float, lightness: float) -> Colour:
    red, green, blue = hls_to_rgb(hue, lightness, 0.55)
    return round(red * 255), round(green * 255), round(blue * 255)
