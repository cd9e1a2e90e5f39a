"""The steps every category shares: open the job, produce its pictures, settle it.

How a picture is made lives in `production`; what follows a failure in `outcomes`.
"""

from collections.abc import Iterator
from contextlib import suppress
from uuid import UUID

import dagster as dg
from pydantic import Field

from quel_dagster.model.errors import TicketLost, Unavailable
from quel_dagster.model.job import Job, Production, Ticket
from quel_dagster.model.parsing import parse
from quel_dagster.model.settings import Settings
from quel_dagster.model.spec import Plan
from quel_dagster.model.status import JobStatus
from quel_dagster.pipeline.cancelling import settle
from quel_dagster.pipeline.explaining import attach_ids, picture_by_picture
from quel_dagster.pipeline.failures import step
from quel_dagster.pipeline.gallery import Gallery
from quel_dagster.pipeline.heartbeat import Heartbeat
from quel_dagster.pipeline.leftovers import take_back
from quel_dagster.pipeline.production import Stage
from quel_dagster.pipeline.studio import Studio
from quel_dagster.pipeline.telling import tell_job, tell_pictures
from quel_dagster.services.counters import Count, Counter
from quel_dagster.services.store import JobStore

LONGEST_LINE = 20_000
"""Characters of a line of the log: each is a row in Dagster's database."""


class OpenJob(dg.Config):
    """The ticket of one attempt, as the front door reserved it."""

    job_id: str = Field(description="job_id of the row in quel_production_jobs.")
    claim_id: str = Field(
        description="The ticket. It opens the job once; a re-executed run finds it used."
    )
    attempt: int = Field(default=1, description="Which attempt this is, from 1.")

    @property
    def ticket(self) -> Ticket:
        """The same as the store knows it; raises ValueError for ids that are none."""
        return Ticket(job_id=UUID(self.job_id), claim_id=UUID(self.claim_id), attempt=self.attempt)


@dg.op(out=dg.Out(Job, is_required=False))
def open_job(
    context: dg.OpExecutionContext,
    config: OpenJob,
    store: dg.ResourceParam[JobStore],
    settings: dg.ResourceParam[Settings],
) -> Iterator[dg.Output[Job]]:
    """Takes the job with the attempt's ticket, marks it processing and checks what was ordered.

    Without an output, and so without the steps after it, when the ticket is no longer the job's.
    """
    ticket = config.ticket
    path = context.job_name
    with step(context, path, ticket.job_id):
        try:
            row = store.open(ticket, context.run_id)
        except TicketLost as lost:
            step_aside(context, store, ticket.job_id, lost)
            return
        job = parse(row, settings.worker.limits, settings.storage.public_urls)
    told = tell_job(job, settings.credits.price_per_image)
    context.log.info(f"{path} job {job.id}: attempt {ticket.attempt} opened\n{told}")
    for warning in job.warnings:
        context.log.warning(f"{path} job {job.id}: {warning}")
    yield dg.Output(job)


@dg.op(out=dg.Out(Production, is_required=False))
def produce(
    context: dg.OpExecutionContext, job: Job, plan: Plan, studio: dg.ResourceParam[Studio]
) -> Iterator[dg.Output[Production]]:
    """Renders, stores, attaches and charges each missing picture, several side by side."""
    gallery = Gallery(context.log, job)
    lease = studio.settings.worker.attempts.lease
    with step(context, job.path, job.id):
        gallery.say(f"what is asked of ComfyUI\n{plan_in_words(studio, job, plan)}")
        try:
            with Heartbeat(studio.store, job.ticket, lease) as heartbeat:
                production = Stage(studio, job, plan, heartbeat, gallery).produce()
        except TicketLost as lost:
            take_back(studio.store, studio.backends, job.id)
            step_aside(context, studio.store, job.id, lost)
            return
    yield dg.Output(production, metadata=gallery.metadata())


@dg.op
def settle_job(
    context: dg.OpExecutionContext,
    job: Job,
    production: Production,
    studio: dg.ResourceParam[Studio],
) -> None:
    """Gives the row its last status by what was delivered: completed, failed or user_cancelled.

    A job that ends without a picture fails its run too, so that the run list tells the truth.
    """
    with step(context, job.path, job.id):
        try:
            outcome = settle(studio, job, production, Gallery(context.log, job).warn)
        except TicketLost as lost:
            step_aside(context, studio.store, job.id, lost)
            return
    summary = f"{outcome.delivered} delivered, {outcome.failed} failed"
    context.log.info(f"{job.path} job {job.id}: {outcome.status}, {summary}")
    context.add_output_metadata({"status": outcome.status.value, "pictures": outcome.delivered})
    if outcome.status is JobStatus.FAILED:
        raise dg.Failure(
            description=f"{job.path} job {job.id}, step settle_job: {outcome.message}",
            allow_retries=False,
        )


def plan_in_words(studio: Studio, job: Job, plan: Plan) -> str:
    """Every picture as it will be asked for, in the words of `quel explain`."""
    numbers = attach_ids(plan)
    keys = studio.store.reference_keys(numbers) if numbers else {}
    told = tell_pictures(picture_by_picture(job, plan, studio.settings, keys))
    if len(told) <= LONGEST_LINE:
        return told
    return f"{told[:LONGEST_LINE]} …\n`quel explain {job.id}` tells the rest"


def step_aside(
    context: dg.OpExecutionContext, store: JobStore, job_id: UUID, lost: TicketLost
) -> None:
    """Tells the log who has the job by now, and counts it. The run ends here."""
    path = context.job_name
    context.log.warning(f"{path} job {job_id}: {lost}; this run ends here")
    with suppress(Unavailable):
        store.counters.add(Count(name=Counter.TICKET_LOST, path=path, kind=context.op.name))
