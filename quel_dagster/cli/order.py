"""`quel order`: places an order as the web front end does."""

import json
import time
from pathlib import Path
from uuid import UUID

import click
from rich.console import Console
from sqlalchemy.exc import DataError, IntegrityError

from quel_dagster.demo.front_end import FrontEnd, NewOrder
from quel_dagster.environment import Environment, here
from quel_dagster.model.errors import Unavailable
from quel_dagster.model.job import Payer
from quel_dagster.model.status import FINAL, JobStatus

POLL = 0.5
"""Seconds. The row is all the front end has; nothing tells it of a change."""


def reference(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> list[dict[str, object]]:
    """`51201:model` as the front end writes it."""
    found: list[dict[str, object]] = []
    for value in values:
        number, _, kind = value.partition(":")
        if not number.isdigit():
            raise click.BadParameter(f"expected ID:KIND such as 51201:model, got {value!r}")
        found.append({"attachId": int(number), "type": kind or "none"})
    return found


def document(_context: click.Context, _option: click.Parameter, file: Path | None) -> object:
    """What the file says, for the row's `job_input_data`."""
    if file is None:
        return None
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise click.BadParameter(f"{file} is no JSON: {error}") from error


@click.command("order")
@click.option("--path", help="fashion, beauty, eats, cinema or cartoon; left out: NULL.")
@click.option("--member", type=UUID, required=True, help="quel_member_id of who orders.")
@click.option("--org", type=UUID, help="org_id of the organization that pays.")
@click.option("--prompt", default="", help="The customer's words.")
@click.option("--images", type=click.IntRange(1), default=1, show_default=True)
@click.option("--angle", default="")
@click.option("--shot", default="")
@click.option("--ratio", default="1:1", show_default=True, help="Such as 16:9.")
@click.option("--reference", "references", multiple=True, callback=reference, help="ID:KIND.")
@click.option(
    "--input",
    "whole",
    callback=document,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with the whole job_input_data, in place of the options that describe one.",
)
@click.option("--job-type", default="single_batch", show_default=True)
@click.option("--wait/--no-wait", help="Wait until the order is final.")
def order_command(
    path: str | None,
    member: UUID,
    org: UUID | None,
    images: int,
    whole: object,
    job_type: str,
    wait: bool,
    **described: object,
) -> None:
    """Writes the photo row and the job row, and rings. Prints the job's id."""
    place = here()
    front_end = FrontEnd(place.engine, None)
    order = NewOrder(
        path=path,
        input=combination(images, **described) if whole is None else whole,
        payer=Payer(member_id=member, org_id=org),
        total_images=images,
        job_type=job_type,
    )
    try:
        job_id = front_end.place(order)
    except (IntegrityError, DataError) as error:
        what = " ".join(str(error.orig).split())
        raise click.ClickException(f"the database does not take the order: {what}") from error
    click.echo(job_id)
    ring(place, job_id)
    if wait:
        show_end(front_end, job_id)


def ring(place: Environment, job_id: UUID) -> None:
    """Rings for an order that stands; without a bell it is only served later."""
    try:
        place.queue.ring(job_id)
    except Unavailable as error:
        grace = place.settings.worker.pending.grace
        click.echo(f"{error}; the order stands, and is found without a ring in {grace}", err=True)


def combination(
    images: int,
    *,
    prompt: object,
    angle: object,
    shot: object,
    ratio: object,
    references: object,
) -> dict[str, object]:
    """The `single_batch` input of one combination."""
    return {
        "basePrompt": prompt,
        "aspect-ratio": ratio,
        "individualImageAttachIds": references,
        "combinations": [{"angle": angle, "shot": shot, "quantity": images}],
    }


def show_end(front_end: FrontEnd, job_id: UUID) -> None:
    """Prints what became of the order; exit status 1 unless it was completed."""
    while (row := front_end.read([job_id])[0])["job_status"] not in FINAL:
        time.sleep(POLL)
    status = row["job_status"]
    delivered = f"{row['completed_images']} of {row['total_images']} pictures"
    Console().print(f"{status}: {delivered} {row['error_message'] or ''}", highlight=False)
    if status != JobStatus.COMPLETED:
        raise click.exceptions.Exit(1)
