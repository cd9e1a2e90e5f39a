"""The pictures of an order that changes one under a mask: fetched, checked, and made ready once.

They are read anew from the row and from storage by whoever renders, so that they stand in no value,
log or tag on the way. How canvas and mask are made is known to `canvas`.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from io import BytesIO

from PIL import Image

from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.job import Ticket
from quel_dagster.model.retouch import Attached, Embedded, Retouch, Source, Stored
from quel_dagster.model.retouching import embedded_pictures
from quel_dagster.model.spec import Spec
from quel_dagster.pipeline.canvas import LONGEST_SHAPE, BadMask, stretch
from quel_dagster.pipeline.pictures import NotAPicture, check, sheet
from quel_dagster.pipeline.references import Enclosure, Enclosures
from quel_dagster.pipeline.studio import Studio

FAST_PNG = 1
"""Compression level: a canvas is uploaded once and soon forgotten."""


def enclose_retouches(studio: Studio, ticket: Ticket, specs: Iterable[Spec]) -> Enclosures:
    """The pictures to send for these specs, each set made once however many specs share it.

    Raises:
        StorageAway, Unavailable: S3 or PostgreSQL could not be reached.
        TicketLost: the job belongs to another attempt.
    """
    slots = {spec.slot: spec.scene.retouch for spec in specs if spec.scene.retouch}
    order_input = studio.store.order_input(ticket)
    made: dict[Retouch, Enclosure] = {}
    refused: dict[Retouch, InvalidJob] = {}
    for retouch in dict.fromkeys(slots.values()):
        try:
            made[retouch] = develop(retouch, fetch_all(studio, retouch, order_input))
        except InvalidJob as error:
            refused[retouch] = error
    return Enclosures(
        ready={slot: made[retouch] for slot, retouch in slots.items() if retouch in made},
        refused={slot: refused[retouch] for slot, retouch in slots.items() if retouch in refused},
    )


def fetch_all(studio: Studio, retouch: Retouch, order_input: object) -> dict[Source, bytes]:
    """Every picture that a retouch names.

    Raises:
        InvalidJob: names the field of one that is nowhere, or no picture.
    """
    embedded = embedded_pictures(order_input)
    sources = dict.fromkeys((retouch.original, retouch.mask, *retouch.references))
    return {source: fetch(studio, source, embedded) for source in sources}


def fetch(studio: Studio, source: Source, embedded: Mapping[str, bytes]) -> bytes:
    """One of the customer's pictures.

    Raises:
        InvalidJob: it is nowhere, or no picture.
    """
    match source:
        case Embedded(field=field, sha256=digest):
            data = embedded.get(field)
            if data is None or sha256(data).hexdigest() != digest:
                raise InvalidJob(field, "was changed after the job began; order again")
        case Attached(field=field, attach_id=number):
            key = studio.store.reference_keys([number]).get(number)
            if key is None:
                problem = f"reference {number} has no file in quel_attach; upload it again"
                raise InvalidJob(field, problem)
            data = from_storage(studio, field, key)
        case Stored(field=field, key=key):
            data = from_storage(studio, field, key)
    try:
        check(data)
    except NotAPicture as error:
        raise InvalidJob(field, str(error)) from error
    return data


def from_storage(studio: Studio, field: str, key: str) -> bytes:
    """A file of the bucket.

    Raises:
        InvalidJob: there is none of this key.
    """
    data = studio.storage.fetch(key)
    if data is None:
        raise InvalidJob(field, f"is not in storage at {key}; upload it again")
    return data


def develop(retouch: Retouch, pictures: Mapping[Source, bytes]) -> Enclosure:
    """What is uploaded for a retouch.

    The references are the canvas, the marked copy where colours have meanings, and the sheet of
    what is wanted where there are pictures of it, in the order in which the words number them.

    Raises:
        InvalidJob: the original has a shape that cannot be drawn, or the mask tells nothing.
    """
    original, strokes = upright(pictures[retouch.original]), upright(pictures[retouch.mask])
    if max(original.size) > LONGEST_SHAPE * min(original.size):
        raise InvalidJob(
            retouch.original.field,
            f"has {original.width} x {original.height} pixels; one side may have at most "
            f"{LONGEST_SHAPE} times as many as the other",
        )
    try:
        canvas = stretch(original, strokes, retouch.ratio)
    except BadMask as error:
        raise InvalidJob(retouch.mask.field, str(error)) from error
    drawn = [canvas.picture, canvas.marked] if retouch.layers else [canvas.picture]
    wanted = [pictures[source] for source in retouch.references]
    return Enclosure(
        references=(*map(png, drawn), *([sheet(wanted)] if wanted else [])),
        mask=png(canvas.mask),
        size=canvas.drawn_size,
    )


def upright(data: bytes) -> Image.Image:
    """A checked picture as a browser shows it."""
    with Image.open(BytesIO(sheet([data]))) as picture:
        picture.load()
        return picture


def png(picture: Image.Image) -> bytes:
    """A picture's bytes, without loss."""
    buffer = BytesIO()
    picture.save(buffer, "PNG", compress_level=FAST_PNG)
    return buffer.getvalue()
