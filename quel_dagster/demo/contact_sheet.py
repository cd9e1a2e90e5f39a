"""Which pictures are on a contact sheet: the first one of every shape of order on every path.

They are found as an operator would find them, in the store, the rows and the bucket.
"""

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from uuid import UUID

from PIL import Image

from quel_dagster.demo.contact_page import Frame, as_page, as_picture
from quel_dagster.environment import Environment
from quel_dagster.model.parsing import parse
from quel_dagster.model.retouching import MODIFY
from quel_dagster.model.status import SlotState
from quel_dagster.services.inspection import Inspected, Inspector

SIDE = 560
"""Pixels of the longer side of a picture on the sheet."""
WORDS = 90
"""Characters of a prompt."""


def write_sheet(place: Environment, job_ids: Sequence[UUID], folder: Path) -> Path:
    """Writes `contact-sheet.html` and `contact-sheet.png`; returns the page's path.

    Args:
        place: where the orders were served.
        job_ids: orders; the first of its shape and path that has a picture is shown.
        folder: where the files go.
    """
    found: dict[tuple[str, str], Frame] = {}
    for frame in frames(place, job_ids):
        found.setdefault((frame.path, frame.shape), frame)
    rows: dict[str, list[Frame]] = {}
    for (path, _), frame in found.items():
        rows.setdefault(path, []).append(frame)
    page = folder / "contact-sheet.html"
    page.write_text(as_page(rows), encoding="utf-8")
    page.with_suffix(".png").write_bytes(as_picture(rows))
    return page


def frames(place: Environment, job_ids: Sequence[UUID]) -> Iterator[Frame]:
    """The first delivered picture of every order, in the order given."""
    inspector = Inspector(place.engine)
    for job_id in job_ids:
        job = inspector.job(job_id)
        if job and (frame := frame_of(place, job)):
            yield frame


def frame_of(place: Environment, job: Inspected) -> Frame | None:
    """A job's first picture; None where it has none, or its file is gone."""
    made = next((each for each in job.made if each.state == SlotState.DELIVERED), None)
    data = place.storage.fetch(made.key) if made and made.key else None
    if made is None or data is None:
        return None
    settings = place.settings
    read = parse(job.row, settings.worker.limits, settings.storage.public_urls)
    order = read.orders[made.slot]
    layers = order.retouch.layers if order.retouch else ()
    words = [order.prompt, *(layer.prompt for layer in layers)]
    return Frame(
        path=job.row.path,
        shape=MODIFY if order.retouch else job.row.job_type,
        slot=made.slot,
        prompt="; ".join(filter(None, words))[:WORDS],
        data=smaller(data),
    )


def smaller(data: bytes) -> bytes:
    """A picture that fits the sheet, as WebP."""
    with Image.open(BytesIO(data)) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((SIDE, SIDE))
    buffer = BytesIO()
    picture.save(buffer, "WEBP", quality=82)
    return buffer.getvalue()
