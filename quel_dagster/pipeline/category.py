"""What a category says about itself, and the graph all categories share.

A category's words and references live in its own folder; the steps around them in `ops`.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from uuid import UUID

import dagster as dg

from quel_dagster.model.job import Job, Order, Reservation
from quel_dagster.model.settings import Settings
from quel_dagster.model.sizes import pixels
from quel_dagster.model.spec import Plan, Scene, Spec
from quel_dagster.pipeline.explaining import Planner
from quel_dagster.pipeline.failures import end_attempt, one_process, step
from quel_dagster.pipeline.ops import OpenJob, open_job, produce, settle_job
from quel_dagster.pipeline.tags import PATH_TAG, tags_of

SEEDS = 2**63
"""How many seeds there are: PostgreSQL keeps them as a bigint."""

STARTED = (
    "Its runs are attempts at orders, started by the sensor `job_queue` or `quel dispatch`, each "
    "with a ticket of its own. To have a picture made, order it: no ticket is made by hand."
)
"""What an operator who wants to launch one is told."""

Compose = Callable[[Order], Scene]


@dataclass(frozen=True, kw_only=True)
class Category:
    """One production path: its name, what it is, and its graph of ops.

    Attributes:
        workflow: the ComfyUI graph that ships with it.
        plan: what its run renders, for whoever wants to know without a run.
    """

    path: str
    about: str | None
    workflow: Path
    plan: Planner
    graph: dg.GraphDefinition

    @cached_property
    def job(self) -> dg.JobDefinition:
        """The Dagster job, named after the path. All its ops run in one process, on one ticket."""
        return self.graph.to_job(
            name=self.path,
            description=f"{(self.about or '').strip()}\n\n{STARTED}",
            tags={PATH_TAG: self.path},
            executor_def=one_process,
            hooks={end_attempt},
        )

    def run_request(self, reservation: Reservation) -> dg.RunRequest:
        """The run of one attempt. The run key only saves a second run; the ticket decides."""
        ticket = reservation.ticket
        config = OpenJob(
            job_id=str(ticket.job_id), claim_id=str(ticket.claim_id), attempt=ticket.attempt
        )
        return dg.RunRequest(
            run_key=f"{ticket.job_id}#{ticket.attempt}/{ticket.claim_id}",
            job_name=self.path,
            tags=tags_of(reservation),
            run_config=dg.RunConfig(ops={"open_job": config}),
        )


def one_picture_per_order(
    path: str, *, about: str | None, compose: Compose, folder: Path
) -> Category:
    """A category whose whole art is turning an order into a scene.

    Ops share one namespace per code location, so the category's own op carries its path.
    """
    workflow = folder / "workflow.json"

    def plan(job: Job, settings: Settings) -> Plan:
        specs = tuple(spec_of(job.id, order, compose(order)) for order in job.orders)
        return Plan(
            workflow=settings.worker.path(path).workflow or workflow,
            specs=specs,
            notes=tuple(dict.fromkeys(notes(job.orders, specs))),
        )

    @dg.op(
        name=f"{path}_specs",
        pool=path,
        description=f"Turns each order into words, references, size and seed of a {path} picture.",
    )
    def specs(
        context: dg.OpExecutionContext, job: Job, settings: dg.ResourceParam[Settings]
    ) -> Plan:
        with step(context, job.path, job.id):
            planned = plan(job, settings)
        for note in planned.notes:
            context.log.warning(f"{job.path} job {job.id}: {note}")
        return planned

    @dg.graph(name=path, description=about)
    def graph() -> None:
        job = open_job()
        settle_job(job, produce(job, specs(job)))

    return Category(path=path, about=about, workflow=workflow, plan=plan, graph=graph)


def spec_of(job_id: UUID, order: Order, scene: Scene) -> Spec:
    """A scene with the order's size and a seed of its own, the same at every attempt.

    A seed that the customer gave is the first picture's; the next ones ordered alike count on, for
    with the same seed they would be the same picture.

    Raises:
        InvalidJob: the order's ratio is not one we know.
    """
    width, height = (0, 0) if scene.retouch else pixels(order.ratio)
    seed = seed_of(job_id, order.slot) if order.seed is None else order.seed + order.copy
    return Spec(slot=order.slot, scene=scene, width=width, height=height, seed=seed % SEEDS)


def notes(orders: Iterable[Order], specs: Iterable[Spec]) -> Iterator[str]:
    """What was understood otherwise than it was written, and which references no picture uses."""
    used: set[int] = set()
    for spec in specs:
        yield from spec.scene.notes
        used.update(number for sheet in spec.scene.sheets for number in sheet.attach_ids)
    for order in orders:
        for reference in order.references:
            if reference.attach_id not in used:
                yield f"{reference.where}: no picture uses reference {reference.attach_id}"


def seed_of(job_id: UUID, slot: int) -> int:
    """A seed from 0 to 2**63 - 1, derived so that a picture can be made again."""
    digest = hashlib.sha256(f"{job_id}/{slot}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
