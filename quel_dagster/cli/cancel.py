"""`quel cancel`: what the front end's button does, and an answer besides."""

import json
from uuid import UUID

import click
from rich.console import Console

from quel_dagster.environment import here
from quel_dagster.model.cancellation import Answer, Cancellation
from quel_dagster.model.status import JobStatus
from quel_dagster.pipeline.leftovers import take_back


@click.command("cancel")
@click.argument("job_id", metavar="JOB", type=click.UUID)
@click.option("--json", "as_json", is_flag=True, help="One JSON object: the answer and the row.")
def cancel_command(job_id: UUID, as_json: bool) -> None:
    """Cancels a job. Pictures that were delivered stay, and stay charged.

    A waiting job is cancelled at once, a running one stops before its next picture. Exit status 0
    when the job is cancelled or will be, 1 otherwise.
    """
    place = here()
    found = place.store.cancel(job_id)
    if found.answer is Answer.ELSEWHERE:
        place.queue.flag_cancel(job_id)
    if found.answer is Answer.CANCELLED and place.settings.comfyui.backends:
        take_back(place.store, place.backends, job_id)
    if as_json:
        click.echo(json.dumps(as_mapping(job_id, found)))
    else:
        Console().print(in_words(job_id, found), highlight=False, soft_wrap=True)
    if not found.is_heeded:
        raise click.exceptions.Exit(1)


def as_mapping(job_id: UUID, found: Cancellation) -> dict[str, str | int | None]:
    """The answer under the names of the row's columns."""
    return {
        "job_id": str(job_id),
        "answer": found.answer.value,
        "job_status": found.status,
        "completed_images": found.delivered,
        "total_images": found.ordered,
    }


def in_words(job_id: UUID, found: Cancellation) -> str:
    """One line for a person."""
    so_far = f"{found.delivered} of {found.ordered} pictures delivered"
    match found.answer:
        case Answer.CANCELLED if found.status is JobStatus.COMPLETED:
            return "[bold]completed[/]: every picture had been delivered, nothing was left to stop"
        case Answer.CANCELLED:
            return f"[bold]cancelled[/]: {so_far}"
        case Answer.STOPPING:
            return f"[bold]stopping[/]: its run ends before the next picture, {so_far} by now"
        case Answer.ELSEWHERE:
            return f"[bold]flagged[/]: another system works on it and is told to stop, {so_far}"
        case Answer.FINAL:
            return f"[bold]already {found.status}[/]: {so_far}"
        case Answer.UNKNOWN:
            return f"[bold]unknown[/]: there is no job {job_id}"
