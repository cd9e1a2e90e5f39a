"""What a category says about itself, and the graph all categories share.

A category's words and references live in its own folder; the steps around them in `ops`.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from uuid import UUID

import dagster as dg

from quel_dagster.model.job import Job, Order, Plan, Reservation, Scene, Spec
from quel_dagster.model.settings import Settings
from quel_dagster.model.sizes import pixels
from quel_dagster.pipeline.failures import end_attempt, one_process, step
from quel_dagster.pipeline.ops import OpenJob, open_job, produce, settle_job
from quel_dagster.pipeline.tags import PATH_TAG, tags_of

Compose = Callable[[Order], Scene]


@dataclass(frozen=True, kw_only=True)
class Category:
    """One production path: its name, what it is, and its graph of ops."""

    path: str
    about: str | None
    graph: dg.GraphDefinition

    @cached_property
    def job(self) -> dg.JobDefinition:
        """The Dagster job, named after the path. All its ops run in one process, on one ticket."""
        return self.graph.to_job(
            name=self.path,
            description=self.about,
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

    @dg.op(
        name=f"{path}_specs",
        description=f"Turns each order into words, references, size and seed of a {path} picture.",
    )
    def specs(
        context: dg.OpExecutionContext, job: Job, settings: dg.ResourceParam[Settings]
    ) -> Plan:
        with step(context, job.path, job.id):
            return Plan(
                workflow=settings.worker.path(path).workflow or folder / "workflow.json",
                specs=tuple(spec_of(job.id, order, compose(order)) for order in job.orders),
            )

    @dg.graph(name=path, description=about)
    def graph() -> None:
        job = open_job()
        settle_job(job, produce(job, specs(job)))

    return Category(path=path, about=about, graph=graph)


def spec_of(job_id: UUID, order: Order, scene: Scene) -> Spec:
    """A scene with the order's size and a seed of its own, the same at every attempt.

    Raises:
        InvalidJob: the order's ratio is not one we know.
    """
    width, height = pixels(order.ratio)
    return Spec(
        slot=order.slot, scene=scene, width=width, height=height, seed=seed_of(job_id, order.slot)
    )


def seed_of(job_id: UUID, slot: int) -> int:
    """A seed from 0 to 2**63 - 1, derived so that a picture can be made again."""
    digest = hashlib.sha256(f"{job_id}/{slot}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
