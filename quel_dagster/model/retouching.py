"""How a row spells a picture to be retouched under a mask, which production calls modify.

Pure: what the pictures show is looked at in `pipeline.retouching`. Nothing is ever fetched from an
address: one in our own storage is read as the key it stands for, any other is refused (W-72).
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import unquote, urlsplit

from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.fields import WHOLE, Fields, as_fields, shown
from quel_dagster.model.job import Order
from quel_dagster.model.retouch import Attached, Embedded, Layer, Retouch, Source, Stored
from quel_dagster.model.shapes import Line
from quel_dagster.model.spellings import attach_id_of, quantity_of, ratio_in, seed_of

MODIFY = "modify"
"""The path such orders run on, and the job type that some rows give them."""

MASK = "maskDataUrl"
REFERENCE = "referenceImageDataUrl"
LAYER_REFERENCE = "referenceImage"

MOST_PICTURES = 10
"""Of one order, as production has it."""
LARGEST_EMBEDDED = 20 * 1024 * 1024
"""Bytes of a picture that is part of the row."""
LONGEST_KEY = 1024
"""Bytes, S3's own limit."""
LONGEST_COLOUR = 40
"""Characters; a longer one is no colour."""

NOTHING: tuple[object, ...] = (None, 0, "", "0")
"""Ids that name no picture; production's own writer puts 0 where it has none."""

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
DATA_URL = re.compile(r"data:[^,]*;base64,", re.IGNORECASE)


def is_retouch(job_type: str, order_input: Fields) -> bool:
    """Whether a row is to be read here. An empty mask, or none, makes a normal order (W-51).

    Raises:
        InvalidJob: the mask is something else than a text.
    """
    return job_type == MODIFY or bool(order_input.text(MASK))


def read_retouch(
    order_input: Fields, total_images: int, public_urls: Sequence[str]
) -> Iterable[Line]:
    """So many variants of one change; `public_urls` are the public addresses of our storage.

    Raises:
        InvalidJob: something is missing or wrong, or nothing says what to change: neither words
            nor a picture of what is wanted.
    """
    order_input.pass_over("originalProductionId", "originalImageUrl")
    retouch = retouch_of(order_input, public_urls)
    prompt = order_input.words("prompt")
    if not (prompt or retouch.references or any(layer.prompt for layer in retouch.layers)):
        raise InvalidJob("prompt", "nothing says what to change; give a prompt here or to a layer")
    quantity = quantity_of(order_input, total_images)
    if quantity > MOST_PICTURES:
        problem = f"expected a whole number from 1 to {MOST_PICTURES}, got {shown(quantity)}"
        raise InvalidJob("quantity", problem)
    yield Line(
        order=Order(
            slot=0,
            prompt=prompt,
            negative=order_input.words("negative_prompt"),
            ratio=retouch.ratio,
            seed=seed_of(order_input),
            retouch=retouch,
        ),
        quantity=quantity,
        field="quantity",
    )


def retouch_of(order_input: Fields, public_urls: Sequence[str]) -> Retouch:
    """The picture, its mask and what is wanted there.

    Raises:
        InvalidJob: names the field.
    """
    mask = source_of(order_input, MASK, public_urls)
    if mask is None:
        raise InvalidJob(MASK, "missing; expected the picture of what was painted over")
    return Retouch(
        original=original_of(order_input, public_urls),
        mask=mask,
        layers=tuple(layers_of(order_input, public_urls)),
        reference=source_of(order_input, REFERENCE, public_urls),
        ratio=ratio_in(order_input),
    )


def original_of(order_input: Fields, public_urls: Sequence[str]) -> Source:
    """By its attach id, 0 meaning none; else by its address, which is not looked at otherwise.

    Raises:
        InvalidJob: there is neither, or it is wrong.
    """
    field = "originalAttachId"
    number = order_input.get(field)
    if number not in NOTHING:
        return Attached(field=field, attach_id=attach_id_of(order_input, field, number))
    field = "originalImageUrl"
    original = source_of(order_input, field, public_urls)
    if original is None:
        raise InvalidJob(field, "missing; expected the picture to change, or its originalAttachId")
    return original


def layers_of(order_input: Fields, public_urls: Sequence[str]) -> Iterator[Layer]:
    """The layers that have a colour and ask for something.

    The front end lists the colours of its palette, used or not, so one that asks for nothing is
    no mistake. Words without a colour are remarked on.

    Raises:
        InvalidJob: names the layer's field.
    """
    for entry in order_input.entries("layers"):
        colour = entry.text("color")
        layer = Layer(
            colour=colour,
            prompt=entry.words("prompt"),
            reference=source_of(entry, LAYER_REFERENCE, public_urls),
        )
        asks = layer.prompt or layer.reference
        if len(colour) > LONGEST_COLOUR:
            raise InvalidJob(entry.path("color"), f"expected a colour, got {shown(colour)}")
        if colour and asks:
            yield layer
        elif asks:
            entry.remark("color", "missing; what this layer asks for is left out")


def source_of(fields: Fields, name: str, public_urls: Sequence[str]) -> Source | None:
    """A picture by its public address, as a data URL or as bare base64; None where there is none.

    Raises:
        InvalidJob: it is none of these, too large, or the address is not of our storage.
    """
    text, field = fields.text(name), fields.path(name)
    if not text:
        return None
    if ADDRESS.match(text):
        return Stored(field=field, key=key_of(field, text, public_urls))
    return Embedded(field=field, sha256=hashlib.sha256(decoded(field, text)).hexdigest())


def key_of(field: str, address: str, public_urls: Iterable[str]) -> str:
    """What a public address of our storage is called there. What follows a `?` does not matter.

    Raises:
        InvalidJob: the address is of somewhere else.
    """
    for base in public_urls:
        server, folder = place_of(base)
        asked, path = place_of(address)
        key = unquote(path.removeprefix(f"{folder.rstrip('/')}/"))
        if server == asked and key != unquote(path) and is_key(key):
            return key
    raise InvalidJob(
        field,
        f"{shown(address)} is not an address in our storage; upload the picture and order again",
    )


def place_of(address: str) -> tuple[tuple[str, str], str]:
    """Scheme and server of an address, in lower case, and its path; nothing where it is none."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ("", ""), ""
    return (parts.scheme.lower(), parts.netloc.lower()), parts.path


def is_key(key: str) -> bool:
    """Whether a text can name an object, and means no folder above it."""
    short = len(key.encode(errors="replace")) <= LONGEST_KEY
    return bool(key) and short and key.isprintable() and not {"", ".", ".."} & set(key.split("/"))


def embedded_pictures(order_input: object) -> Mapping[str, bytes]:
    """The pictures that are part of a row's input, by the field of their `Embedded`.

    Raises:
        InvalidJob: one cannot be read.
    """
    fields = as_fields(WHOLE, order_input)
    layers = [(layer, LAYER_REFERENCE) for layer in fields.entries("layers")]
    places = [(fields, MASK), (fields, REFERENCE), (fields, "originalImageUrl"), *layers]
    texts = {entry.path(name): entry.text(name) for entry, name in places}
    return {
        field: decoded(field, text)
        for field, text in texts.items()
        if text and not ADDRESS.match(text)
    }


def decoded(field: str, text: str) -> bytes:
    """The bytes of a data URL or of bare base64; blanks and missing padding are forgiven.

    Raises:
        InvalidJob: it is neither, or too large.
    """
    header = DATA_URL.match(text)
    letters = "".join(text[header.end() if header else 0 :].split()).rstrip("=")
    if len(letters) * 3 // 4 > LARGEST_EMBEDDED:
        raise InvalidJob(field, f"is larger than {LARGEST_EMBEDDED // 1024**2} MiB")
    try:
        data = base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data:
        expected = "expected a picture as a data URL or base64"
        raise InvalidJob(field, f"{expected}, got {shown(text)}")
    return data
