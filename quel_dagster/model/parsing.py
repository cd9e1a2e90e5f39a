"""How a row becomes orders. Every spelling of an order is known here and nowhere else.

What an order means to a category (which kinds of reference, which words) is the category's matter.
"""

from collections.abc import Callable, Iterable
from itertools import islice
from uuid import UUID

from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.fields import Fields, as_fields, shown, whole_number
from quel_dagster.model.job import Job, JobRow, Order, Reference
from quel_dagster.model.settings import LimitSettings

DEFAULT_PROMPT = "best quality, masterpiece"
"""What production renders when an order has no words."""

DEFAULT_RATIO = "16:9"


def parse(row: JobRow, limits: LimitSettings) -> Job:
    """The row's orders, one per picture, in slot order.

    Raises:
        InvalidJob: the input cannot be served; names the field and what is expected.
    """
    order_input = as_fields("job_input_data", row.input)
    if order_input.text("maskDataUrl"):
        raise InvalidJob("maskDataUrl", "retouching a picture under a mask is not served")
    read = READERS.get(row.job_type)
    if read is None:
        raise InvalidJob("job_type", f"{row.job_type!r} is not served; use {' or '.join(READERS)}")
    most = limits.images_per_job
    orders = tuple(islice(read(order_input, row.total_images), most + 1))
    check_quantity(len(orders), row.total_images, most)
    for order in orders:
        if len(order.prompt) > limits.prompt_chars:
            raise InvalidJob("prompt", f"longer than {limits.prompt_chars} characters")
    return Job(
        ticket=row.ticket,
        path=row.path,
        requested_path=row.requested_path,
        job_type=row.job_type,
        production_id=row.production_id,
        payer=row.payer,
        orders=orders,
        warnings=tuple(disagreements(row, order_input)),
    )


def read_single_batch(order_input: Fields, total_images: int) -> Iterable[Order]:
    """Every combination of angle and shot, as often as its quantity says.

    The keys `prompt`, `cameraAngle` and `quantity` at top level are the form used before there were
    combinations.
    """
    angle = order_input.text("angle") or order_input.text("cameraAngle")
    shot = order_input.text("shotType")
    entries = order_input.entries("combinations") or [Fields("combinations[0]", {})]
    prompt = prompt_of(order_input, "basePrompt", "prompt")
    alone = order_input.count("quantity") or total_images
    slot = 0
    for entry in entries:
        for _ in range(quantity_of(entry, default=alone if len(entries) == 1 else None)):
            yield Order(
                slot=slot,
                prompt=prompt,
                angle=entry.text("angle") or angle,
                shot=entry.text("shot") or shot,
                fx=entry.text("fx"),
                ratio=ratio_of(order_input),
                negative=order_input.text("negative_prompt"),
                pre_edited=order_input.flag("isPreEdited"),
                references=references_of(order_input, "individualImageAttachIds"),
            )
            slot += 1


def read_simple_general(order_input: Fields, total_images: int) -> Iterable[Order]:
    """One order as often as the row's `total_images` says, at least once; all uploads are used."""
    for slot in range(max(total_images, 1)):
        yield Order(
            slot=slot,
            prompt=prompt_of(order_input, "prompt", "basePrompt"),
            ratio=ratio_of(order_input),
            negative=order_input.text("negative_prompt"),
            references=references_of(order_input, "uploadedAttachIds"),
        )


READERS: dict[str, Callable[[Fields, int], Iterable[Order]]] = {
    "single_batch": read_single_batch,
    "simple_general": read_simple_general,
}


def prompt_of(order_input: Fields, *names: str) -> str:
    """The customer's words, trimmed and otherwise untouched."""
    return next(filter(None, map(order_input.text, names)), DEFAULT_PROMPT)


def ratio_of(order_input: Fields) -> str:
    """`aspect-ratio`, else `aspectRatio`."""
    return order_input.text("aspect-ratio") or order_input.text("aspectRatio") or DEFAULT_RATIO


def quantity_of(entry: Fields, *, default: int | None) -> int:
    """How many pictures a combination asks for.

    A missing quantity means the row's total where the combination stands alone, else one picture:
    production took the total for each of them and made too many (W-19).
    """
    return entry.count("quantity") or max(default or 1, 1)


def references_of(order_input: Fields, name: str) -> tuple[Reference, ...]:
    """`{attachId, type}` objects or plain ids; the kind is `none` where no type is given."""
    found: list[Reference] = []
    for where, item in order_input.items(name):
        if isinstance(item, dict):
            entry = as_fields(where, item)
            number = whole_number(f"{where}.attachId", entry.get("attachId"))
            found.append(Reference(attach_id=number, kind=entry.text("type").lower() or "none"))
        else:
            found.append(Reference(attach_id=whole_number(where, item), kind="none"))
    return tuple(found)


def check_quantity(pictures: int, total_images: int, most: int) -> None:
    """No order asks for more pictures than its row announced or the configuration allows.

    Raises:
        InvalidJob: it does.
    """
    if pictures > most:
        raise InvalidJob("quantity", f"more than {most} pictures ordered; split the order")
    if 0 < total_images < pictures:
        raise InvalidJob(
            "quantity", f"{pictures} pictures ordered, but total_images announces {total_images}"
        )


def disagreements(row: JobRow, order_input: Fields) -> Iterable[str]:
    """Where the input contradicts the row. The row decides (W-20); the log says so."""
    user, member = order_input.text("userId"), row.payer.member_id
    if user and member and same_id(user) != member:
        yield f"userId {shown(user)} is not the row's quel_member_id {member}; the row pays"


def same_id(text: str) -> UUID | None:
    """The text as an id, None when it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
