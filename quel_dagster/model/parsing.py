"""How a row becomes a job: its orders, one per picture, counted through and within their limits.

Every shape of an order has its reader in `shapes`, pictures to be retouched in `retouching`.
Nothing after this knows shapes.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from uuid import UUID

from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.fields import WHOLE, Fields, Reading, as_fields, shown
from quel_dagster.model.job import Job, JobRow, Order
from quel_dagster.model.retouching import MODIFY, is_retouch, read_retouch
from quel_dagster.model.settings import LimitSettings
from quel_dagster.model.shapes import (
    Line,
    read_pipeline_stage,
    read_simple_general,
    read_simple_portrait,
    read_single_batch,
)

Reader = Callable[[Fields, int], Iterable[Line]]
"""Reads an input; the number is the row's `total_images`, 0 or less where it announces none."""

PASSED_OVER = ("category", "globalContext", "totalImages", "userId", "quelMemberId")
"""What the front end always sends: it decides nothing, but may contradict the row."""


def parse(row: JobRow, limits: LimitSettings, public_urls: Sequence[str] = ()) -> Job:
    """The row's orders in slot order, and what the log should say about them.

    Args:
        row: as its attempt opened it, or as an order that is about to be placed would be.
        limits: what a single order may ask for.
        public_urls: the public addresses of our storage.

    Raises:
        InvalidJob: the input cannot be served; names the field and what is expected.
    """
    reading = Reading(longest=limits.prompt_chars)
    order_input = as_fields(WHOLE, row.input, reading)
    order_input.pass_over(*PASSED_OVER)
    lines = reader_of(row, order_input, public_urls)(order_input, row.total_images)
    orders = tuple(count_through(lines, row.total_images, limits.images_per_job))
    compare(row, order_input, len(orders))
    return Job(
        ticket=row.ticket,
        path=row.path,
        requested_path=row.requested_path,
        job_type=row.job_type,
        production_id=row.production_id,
        payer=row.payer,
        orders=orders,
        warnings=tuple(reading.remarks()),
    )


def reader_of(row: JobRow, order_input: Fields, public_urls: Sequence[str]) -> Reader:
    """Who reads this input: a mask makes it a picture to retouch, whatever its job type says.

    Raises:
        InvalidJob: a job type that nobody reads.
    """
    readers: Mapping[str, Reader] = {
        "single_batch": read_single_batch,
        "pipeline_stage": read_pipeline_stage,
        "simple_general": read_simple_general,
        "simple_portrait": read_simple_portrait,
        MODIFY: partial(read_retouch, public_urls=public_urls),
    }
    retouch = row.path == MODIFY or is_retouch(row.job_type, order_input)
    shape = MODIFY if retouch else row.job_type
    if shape not in readers:
        known = ", ".join(readers)
        raise InvalidJob("job_type", f"{shown(shape)} is not served; use one of {known}")
    return readers[shape]


def count_through(lines: Iterable[Line], announced: int, most: int) -> Iterator[Order]:
    """Each line as often as it asks, in slots that are numbered through (W-18).

    Args:
        lines: in the order of their pictures.
        announced: the row's `total_images`; 0 or less where it announces none.
        most: the configured maximum.

    Raises:
        InvalidJob: more pictures than the row announces or the configuration allows (W-19).
    """
    slot = 0
    for line in lines:
        ordered = slot + line.quantity
        if ordered > most:
            raise InvalidJob(line.field, f"more than {most} pictures ordered; split the order")
        if 0 < announced < ordered:
            problem = f"{ordered} pictures ordered so far, but total_images announces {announced}"
            raise InvalidJob(line.field, problem)
        for copy in range(line.quantity):
            yield replace(line.order, slot=slot, copy=copy)
            slot += 1


def compare(row: JobRow, order_input: Fields, pictures: int) -> None:
    """Remarks on what contradicts the row, which decides: who pays (W-20), where, how many."""
    user, member = order_input.text("userId"), row.payer.member_id
    if user and (member is None or as_id(user) != member):
        text = f"{shown(user)} is not the row's quel_member_id {member or 'null'}; the row pays"
        order_input.remark("userId", text)
    category = order_input.get("category")
    if isinstance(category, str) and category.strip().lower() not in ("", row.path):
        order_input.remark("category", f"{shown(category)}, but the job runs on path {row.path}")
    if pictures < row.total_images:
        announced = f"announces {row.total_images} pictures"
        order_input.remark("total_images", f"{announced}, but {pictures} are ordered")


def as_id(text: str) -> UUID | None:
    """The text as an id, None when it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
