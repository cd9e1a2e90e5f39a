"""How a contact sheet looks: as a page that needs no other file, and as one picture.

Which pictures are on it is decided in `contact_sheet`.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO

from PIL import Image, ImageDraw, ImageOps

from quel_dagster.demo.comfyui.typeface import font, wrap

TITLE = "Contact sheet"
TILE = (368, 300)
GAP = 24
MARGIN = 48
HEADING = 132
"""Pixels to the left of a row, for its path."""
CAPTION = 84
"""Pixels below a tile, for three lines."""
PAPER, INK, FAINT, MAT = "#faf9f6", "#22211e", "#77736a", "#ebe8e1"

STYLE = f"""
body {{ margin: 3rem; background: {PAPER}; color: {INK}; font: 15px/1.4 system-ui, sans-serif }}
h1 {{ font-weight: 600; margin: 0 }}
h2 {{ font-size: 1rem; font-weight: 600; margin: 2rem 0 .5rem; text-transform: capitalize }}
p, small {{ color: {FAINT}; margin: .25rem 0 }}
.row {{ display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 1.5rem }}
figure {{ margin: 0 }}
img {{ width: 100%; height: 260px; object-fit: contain; background: {MAT}; border-radius: 6px }}
figcaption b {{ display: block; margin-top: .4rem; font-weight: 600 }}
"""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A delivered picture with its caption.

    Attributes:
        shape: in which the order was written.
        prompt: the customer's words.
        data: an encoded picture.
    """

    path: str
    shape: str
    slot: int
    prompt: str
    data: bytes

    @property
    def caption(self) -> str:
        """Which picture of which shape it is."""
        return f"{self.shape} \N{MIDDLE DOT} slot {self.slot}"


Rows = Mapping[str, Sequence[Frame]]
"""Frames by path."""


def as_page(rows: Rows) -> str:
    """The sheet in HTML, its pictures inside."""
    return "\n".join(
        (
            "<!doctype html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>{TITLE}</title>',
            f"<style>{STYLE}</style></head><body>",
            f"<h1>{TITLE}</h1><p>{subtitle(rows)}</p>",
            *(line for path, found in rows.items() for line in _section(path, found)),
            "</body></html>",
        )
    )


def subtitle(rows: Rows) -> str:
    """What is to be seen."""
    return f"{sum(map(len, rows.values()))} pictures: the first of every shape of order, by path"


def _section(path: str, frames: Sequence[Frame]) -> Iterator[str]:
    yield f'<h2>{escape(path)}</h2><div class="row">'
    for frame in frames:
        url = f"data:image/webp;base64,{base64.b64encode(frame.data).decode()}"
        alt = escape(f"{frame.path}, {frame.caption}", quote=True)
        yield f'<figure><img src="{url}" alt="{alt}">'
        yield f"<figcaption><b>{escape(frame.caption)}</b><small>{escape(frame.prompt)}</small>"
        yield "</figcaption></figure>"
    yield "</div>"


def as_picture(rows: Rows) -> bytes:
    """The sheet as a PNG, a row per path."""
    columns = max(map(len, rows.values()), default=0)
    pitch = TILE[1] + CAPTION + GAP
    width = 2 * MARGIN + HEADING + columns * (TILE[0] + GAP) - GAP
    page = Image.new("RGB", (width, 2 * MARGIN + 96 + len(rows) * pitch), PAPER)
    draw = ImageDraw.Draw(page)
    draw.text((MARGIN, MARGIN), TITLE, INK, font(40))
    draw.text((MARGIN, MARGIN + 52), subtitle(rows), FAINT, font(20))
    for number, (path, found) in enumerate(rows.items()):
        top = MARGIN + 96 + number * pitch
        draw.text((MARGIN, top), path.capitalize(), INK, font(24))
        for column, frame in enumerate(found):
            left = MARGIN + HEADING + column * (TILE[0] + GAP)
            _place(page, draw, frame, (left, top))
    buffer = BytesIO()
    page.save(buffer, "PNG")
    return buffer.getvalue()


def _place(page: Image.Image, draw: ImageDraw.ImageDraw, frame: Frame, at: tuple[int, int]) -> None:
    """A picture on its mat, and its caption below."""
    left, top = at
    draw.rounded_rectangle((left, top, left + TILE[0], top + TILE[1]), radius=8, fill=MAT)
    with Image.open(BytesIO(frame.data)) as opened:
        picture = ImageOps.contain(opened.convert("RGB"), (TILE[0] - 16, TILE[1] - 16))
    page.paste(
        picture, (left + (TILE[0] - picture.width) // 2, top + (TILE[1] - picture.height) // 2)
    )
    below = top + TILE[1] + 8
    draw.text((left, below), frame.caption, INK, font(17, frame.caption))
    small = font(16, frame.prompt)
    for line, text in enumerate(wrap(frame.prompt, small, TILE[0], 2)):
        draw.text((left, below + 24 + line * 21), text, FAINT, small)
