"""`quel explain`: what an order asks for and what is made of it, without making anything."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from uuid import UUID

import click

from quel_dagster import categories
from quel_dagster.environment import Environment, here
from quel_dagster.intake.routing import Leave, Refuse, Start, route
from quel_dagster.model.status import JobStatus
from quel_dagster.pipeline.explaining import (
    Planned,
    Understood,
    attach_ids,
    picture_by_picture,
    understand,
)
from quel_dagster.pipeline.telling import labelled, routed, tell_job, tell_pictures
from quel_dagster.services.inspection import Inspected, Inspector


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """A job and how it is, was or would be served.

    Attributes:
        stopped: why no path serves it; empty where one does.
        pictures: none where the order cannot be served.
    """

    found: Inspected
    price: int
    stopped: str = ""
    understood: Understood = field(default_factory=Understood)
    pictures: tuple[Planned, ...] = ()


@click.command("explain")
@click.argument("job_id", metavar="JOB", type=click.UUID)
@click.option("--json", "as_json", is_flag=True, help="One JSON object with everything.")
@click.option("--graph", "as_graph", is_flag=True, help="The graphs alone: JSON, by slot.")
def explain_command(job_id: UUID, as_json: bool, as_graph: bool) -> None:
    """Tells how a job was read and what is sent to ComfyUI for it.

    It works for a job in any state, writes nothing and asks no ComfyUI server. Exit status 1 when
    there is no such job.
    """
    explanation = explain(here(), job_id)
    if explanation is None:
        click.echo(f"unknown: there is no job {job_id}")
        raise click.exceptions.Exit(1)
    if as_graph:
        click.echo(json.dumps(graphs(explanation), indent=2, ensure_ascii=False))
    elif as_json:
        click.echo(json.dumps(as_object(explanation), ensure_ascii=False))
    else:
        click.echo("\n".join(tell(explanation)))


def explain(place: Environment, job_id: UUID) -> Explanation | None:
    """Everything about a job; None when there is none of this id."""
    inspector = Inspector(place.engine)
    settings = place.settings
    found = inspector.job(job_id)
    if found is None:
        return None
    bare = Explanation(found=found, price=settings.credits.price_per_image)
    served = {category.path: category for category in categories.load()}
    if not found.served:
        match route(replace(found.waiting, status=JobStatus.PENDING), served, settings.worker):
            case Start(path=path, requested=requested):
                row = replace(found.row, path=path, requested_path=requested)
                found = replace(found, row=row)
            case Refuse(reason=reason) | Leave(reason=reason):
                return replace(bare, stopped=reason)
    category = served.get(found.row.path)
    if category is None:
        return replace(bare, stopped=f"path {found.row.path} has no category any more")
    understood = understand(found.row, category.plan, settings)
    pictures: list[Planned] = []
    if understood.job and understood.plan:
        keys = inspector.reference_keys(attach_ids(understood.plan))
        pictures = picture_by_picture(understood.job, understood.plan, settings, keys)
    return replace(bare, found=found, understood=understood, pictures=tuple(pictures))


def tell(explanation: Explanation) -> Iterator[str]:
    """The lines that a person reads."""
    found, understood = explanation.found, explanation.understood
    yield f"job {found.row.ticket.job_id}"
    yield from labelled("state", state_of(found))
    if found.message:
        yield from labelled("because", found.message)
    if explanation.stopped:
        yield from labelled("path", f"none serves it: {explanation.stopped}")
    elif not understood.job:
        yield from labelled("path", routed(found.row.path, found.row.requested_path))
    if understood.job:
        yield tell_job(understood.job, explanation.price)
        for warning in understood.job.warnings:
            yield from labelled("note", warning)
    for error in understood.refusals:
        yield from labelled("wrong", f"{error.field}\n{error.problem}")
    if understood.plan:
        yield tell_pictures(explanation.pictures, understood.plan.notes)
    yield from so_far(found)


def so_far(found: Inspected) -> Iterator[str]:
    """How far each picture is, once there was an attempt."""
    if found.made:
        yield from ("", "so far")
    for made in found.made:
        result = made.key or made.error
        told = f"{made.state}, {result}" if result else made.state
        yield from labelled(f"picture {made.slot + 1}", told)


def state_of(found: Inspected) -> str:
    """Where the job stands, in a line."""
    attempt = found.row.ticket.attempt
    tried = f", attempt {attempt}" if attempt else ", never tried"
    so_far = f"{found.delivered} of {found.row.total_images} pictures delivered"
    placed = f", placed {found.created_at:%Y-%m-%d %H:%M:%S %Z}" if found.created_at else ""
    return f"{found.status or 'without a status'}, {so_far}{tried}{placed}"


def graphs(explanation: Explanation) -> dict[int, object]:
    """What would be posted to ComfyUI, by slot."""
    return {picture.spec.slot: picture.graph for picture in explanation.pictures}


def as_object(explanation: Explanation) -> dict[str, object]:
    """The object that `--json` prints."""
    found, understood = explanation.found, explanation.understood
    job, plan, payer = understood.job, understood.plan, found.row.payer
    return {
        "job_id": str(found.row.ticket.job_id),
        "job_status": found.status,
        "job_type": found.row.job_type,
        "path": None if explanation.stopped else found.row.path,
        "requested_path": found.row.requested_path,
        "routed": explanation.stopped or routed(found.row.path, found.row.requested_path),
        "attempts": found.row.ticket.attempt,
        "total_images": found.row.total_images,
        "completed_images": found.delivered,
        "error_message": found.message,
        "member_id": str(payer.member_id) if payer.member_id else None,
        "org_id": str(payer.org_id) if payer.org_id else None,
        "price": explanation.price * len(job.orders) if job else None,
        "warnings": [*(job.warnings if job else ()), *(plan.notes if plan else ())],
        "wrong": [{"field": e.field, "problem": e.problem} for e in understood.refusals],
        "pictures": [one_picture(picture) for picture in explanation.pictures],
        "so_far": [asdict(made) for made in found.made],
    }


def one_picture(picture: Planned) -> dict[str, object]:
    """A picture in JSON."""
    order, spec = picture.order, picture.spec
    return {
        "slot": spec.slot,
        "angle": order.angle,
        "shot": order.shot,
        "fx": order.fx,
        "ratio": order.ratio,
        "field": order.where,
        "width": spec.width,
        "height": spec.height,
        "seed": spec.seed,
        "references": [asdict(sent) for sent in picture.sent],
        "prompt": spec.scene.positive,
        "negative": spec.scene.negative,
        "workflow": str(picture.workflow),
        "graph": picture.graph,
        "problem": picture.problem or None,
    }
