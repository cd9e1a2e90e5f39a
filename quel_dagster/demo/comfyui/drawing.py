"""Draws a recipe: a picture that shows at a glance which order, which slot and which words made it.

Pictures, not files: `folders` saves them. The same recipe and references give the same pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from random import Random

from PIL import Image, ImageDraw

from quel_dagster.demo.comfyui.motifs import ground
from quel_dagster.demo.comfyui.recipe import Label, Recipe
from quel_dagster.demo.comfyui.typeface import font, wrap

WHITE = (255, 255, 255, 255)
FAINT = (255, 255, 255, 190)
SHADE = (8, 8, 14, 150)
INK = (20, 20, 28, 255)
HIGHEST_PANEL = 0.42
"""The words take no more than this part of the picture's height."""

NO_ROOM = 160
"""Below this width or height only the ground and the slot are drawn."""


Colour = tuple[int, int, int, int]
Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Style:
    """How a line is written. `anchor` is Pillow's: which point of the text `at` means."""

    bold: bool = False
    anchor: str = "la"
    fill: Colour = WHITE


def draw(recipe: Recipe, references: Sequence[Image.Image]) -> list[Image.Image]:
    """The recipe's pictures, `batch` of them; a batch differs in its ground.

    Args:
        recipe: what to draw.
        references: the opened reference pictures, in the recipe's order.
    """
    size = recipe.width, recipe.height
    if not all(size):
        size = references[0].size if references else (512, 512)
    return [_draw(recipe, references, size, number) for number in range(recipe.batch)]


def paint_in(
    recipe: Recipe,
    references: Sequence[Image.Image],
    destination: Image.Image,
    mask: Image.Image,
) -> list[Image.Image]:
    """The recipe's pictures in another one: as large as the white of the mask, and only there."""
    mask = mask.resize(destination.size, Image.Resampling.BILINEAR)
    box = mask.getbbox()
    if box is None:
        return [destination] * recipe.batch
    size = box[2] - box[0], box[3] - box[1]
    pictures: list[Image.Image] = []
    for number in range(recipe.batch):
        over = destination.copy()
        over.paste(_draw(recipe, references, size, number), box)
        pictures.append(Image.composite(over, destination, mask))
    return pictures


def _draw(
    recipe: Recipe, references: Sequence[Image.Image], size: tuple[int, int], number: int
) -> Image.Image:
    label = recipe.label
    marks = (label.path, label.job, label.slot, recipe.prompt, recipe.seed, number)
    # Reproducible on purpose: not a secret.
    chance = Random(sha256(repr(marks).encode()).digest())  # noqa: S311 - paints a background
    picture = ground(label.path, *size, chance)
    card = _Card(picture)
    if min(size) < NO_ROOM:
        card.stamp(label.slot or label.path)
        return picture
    top = card.header(label)
    bottom = card.panel(recipe)
    card.thumbnails(references, top, bottom)
    return picture


class _Card:
    """The writing on a ground; every measure is a share of its shorter side."""

    def __init__(self, picture: Image.Image) -> None:
        self.picture = picture
        self.canvas = ImageDraw.Draw(picture, "RGBA")
        self.width, self.height = picture.size
        self.margin = self.share(0.055)
        self.right = self.width - self.margin
        self.lower = self.height - self.margin

    def share(self, part: float) -> int:
        """A part of the shorter side, in pixels."""
        return max(round(min(self.picture.size) * part), 1)

    def write(self, at: Point, text: str, part: float, style: Style) -> None:
        """A line of text; its height is a part of the shorter side."""
        size = self.share(part)
        self.canvas.text(
            at,
            text,
            fill=style.fill,
            font=font(size, text),
            anchor=style.anchor,
            stroke_width=max(size // 24, 1) if style.bold else 0,
        )

    def stamp(self, text: str) -> None:
        """One word in the middle of a picture that has no room for more."""
        middle = self.width / 2, self.height / 2
        self.write(middle, text[:12], 0.3, Style(anchor="mm"))

    def header(self, label: Label) -> int:
        """The path and the slot along the upper edge; answers where they end."""
        name = label.path.upper()[:24]
        self.write((self.margin, self.margin), name, 0.1, Style(bold=True))
        if label.slot:
            self._badge(f"SLOT {int(label.slot)}")
        return self.margin + self.share(0.12)

    def _badge(self, text: str) -> None:
        size = self.share(0.045)
        width = font(size, text).getlength(text) + size * 1.6
        top = self.margin + self.share(0.008)
        box = (self.right - width, top, self.right, top + size * 1.9)
        self.canvas.rounded_rectangle(box, size, fill=WHITE)
        middle = self.right - width / 2, top + size * 0.95
        self.write(middle, text, 0.045, Style(bold=True, anchor="mm", fill=INK))

    def panel(self, recipe: Recipe) -> int:
        """The words of the order on a dark panel at the lower edge; answers where it begins."""
        part = 0.036 if recipe.references else 0.046
        pad, size = self.share(0.035), self.share(part)
        step, facts = round(size * 1.38), self.share(0.055)
        room = round(self.height * HIGHEST_PANEL) - 2 * pad - facts
        inner = self.right - self.margin - 2 * pad
        lines = wrap(recipe.prompt, font(size, recipe.prompt), inner, max(room // step, 1))
        top = self.lower - len(lines) * step - facts - 2 * pad
        box = (self.margin, top, self.right, self.lower)
        self.canvas.rounded_rectangle(box, self.share(0.03), fill=SHADE)
        left = self.margin + pad
        for number, line in enumerate(lines):
            self.write((left, top + pad + number * step), line, part, Style())
        foot = Style(anchor="ls", fill=FAINT)
        self.write((left, self.lower - pad), self._facts(recipe), 0.028, foot)
        return top

    def _facts(self, recipe: Recipe) -> str:
        label = recipe.label
        facts = [
            f"{self.width} x {self.height}",
            f"seed {recipe.seed}" if recipe.seed is not None else "",
            f"take {label.generation + 1}" if label.generation else "",
            f"job {label.job[:8]}" if label.job else "",
        ]
        return "    ".join(filter(None, facts))

    def thumbnails(self, references: Sequence[Image.Image], top: int, bottom: int) -> None:
        """The references in a row between the header and the panel, each with its number."""
        gap = self.share(0.03)
        room = bottom - top - 2 * gap
        if not references or room < self.share(0.1):
            return
        across = (self.right - self.margin + gap) // len(references) - gap
        side = min(across, room, self.share(0.55))
        shown = [_fitted(reference.convert("RGB"), side) for reference in references]
        left = (self.width - sum(s.width + gap for s in shown) + gap) // 2
        for number, thumbnail in enumerate(shown, 1):
            upper = top + gap + (room - thumbnail.height) // 2
            self._thumbnail(thumbnail, left, upper, str(number))
            left += thumbnail.width + gap

    def _thumbnail(self, thumbnail: Image.Image, x: int, y: int, number: str) -> None:
        edge = self.share(0.008)
        box = (x - edge, y - edge, x + thumbnail.width + edge, y + thumbnail.height + edge)
        self.canvas.rounded_rectangle(box, edge * 2, fill=WHITE)
        self.picture.paste(thumbnail, (x, y))
        size = self.share(0.055)
        self.canvas.rounded_rectangle((x, y, x + size, y + size), edge, fill=INK)
        middle = x + size / 2, y + size / 2
        self.write(middle, number, 0.034, Style(bold=True, anchor="mm"))


def _fitted(picture: Image.Image, side: int) -> Image.Image:
    """The picture as large as it fits into a square."""
    scale = side / max(picture.size)
    width, height = (max(round(length * scale), 1) for length in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS)
