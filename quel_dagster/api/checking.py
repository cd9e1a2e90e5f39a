"""Checks an order as the front door and the attempt will: the same routing, the same parser.

So a customer hears of a wrong field at once. The payer is looked at where the rows are written.
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID, uuid4

from quel_dagster.api.shapes import NewOrder
from quel_dagster.intake.routing import NO_PATH, Leave, Refuse, Start, path_of, plain, route
from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.fields import WHOLE, as_fields
from quel_dagster.model.job import Job, JobRow, Payer, Ticket, WaitingRow
from quel_dagster.model.ordering import NewJob
from quel_dagster.model.parsing import parse
from quel_dagster.model.retouching import MODIFY, is_retouch
from quel_dagster.model.settings import Settings
from quel_dagster.model.status import JobStatus

STORED_AS = {MODIFY: "simple_general"}
"""Job types that the table's CHECK does not know, and what their rows say instead."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """An order without a mistake: what to write, who will serve it, and what is not heeded."""

    job: NewJob
    path: str
    warnings: tuple[str, ...]


def check(order: NewOrder, served: Collection[str], settings: Settings) -> Checked:
    """The order, ready to be placed.

    Raises:
        InvalidJob: nobody would serve it; the field is a path in the request.
    """
    job_id = uuid4()
    path, about_path = path_for(job_id, order, served, settings)
    job = read(job_id, order, path, settings)
    return Checked(
        job=NewJob(
            job_id=job_id,
            payer=job.payer,
            path=plain(order.quel_production_path) or None,
            job_type=STORED_AS.get(order.job_type, order.job_type),
            pictures=len(job.orders),
            input=order.job_input_data,
            name=order.production_name,
            description=order.production_description,
        ),
        path=path,
        warnings=(*about_path, *job.warnings),
    )


def path_for(
    job_id: UUID, order: NewOrder, served: Collection[str], settings: Settings
) -> tuple[str, tuple[str, ...]]:
    """The path that will serve an order, and what is to be said about it.

    Raises:
        InvalidJob: none will.
    """
    row = WaitingRow(
        job_id=job_id,
        status=JobStatus.PENDING,
        path=order.quel_production_path,
        job_type=order.job_type,
        input_type="object" if order.job_input_data else "empty",
        attempts=0,
        rung=True,
        needs_ring=False,
        retouch=is_retouch(order.job_type, as_fields(WHOLE, order.job_input_data)),
    )
    match route(row, served, settings.worker):
        case Start(path=path, requested=None):
            return path, ()
        case Start(path=path, requested=requested):
            asked_for = "no path" if requested == NO_PATH else f"path {requested}"
            return path, (f"{asked_for} is asked for; {path} serves the order",)
        case Leave(reason=reason) if (path := path_of(row)) in served:
            return path, (f"{reason}: the order waits until it is",)
        case Leave(reason=reason) | Refuse(reason=reason):
            field = "quel_production_path" if order.job_input_data else WHOLE
            raise InvalidJob(field, reason)


def read(job_id: UUID, order: NewOrder, path: str, settings: Settings) -> Job:
    """The order's pictures, as its attempt will read them.

    Raises:
        InvalidJob: a field of the input is wrong.
    """
    row = JobRow(
        ticket=Ticket(job_id=job_id, claim_id=job_id),
        path=path,
        requested_path=None,
        job_type=order.job_type,
        production_id=job_id,
        total_images=order.total_images or 0,
        input=order.job_input_data,
        payer=Payer(member_id=order.quel_member_id, org_id=order.org_id),
    )
    try:
        return parse(row, settings.worker.limits, settings.storage.public_urls)
    except InvalidJob as error:
        own = error.field == WHOLE or error.field in NewOrder.model_fields
        field = error.field if own else f"{WHOLE}.{error.field}"
        raise InvalidJob(field, error.problem) from error
