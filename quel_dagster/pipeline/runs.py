"""The runs of our jobs as Dagster keeps them: which ticket each was given, and how far it is.

What follows from that is decided in `outcomes`: for a job, a run proves nothing.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import dagster as dg

from quel_dagster.model.job import Ticket
from quel_dagster.pipeline.ops import OpenJob
from quel_dagster.pipeline.tags import JOB_ID_TAG

Status = dg.DagsterRunStatus
COMING = frozenset({Status.QUEUED, Status.STARTING})
"""A run in one of these may yet take up its reservation. One that is merely stored is launched in
the same second, or never: who stored it was killed."""
UNFINISHED = frozenset({*COMING, Status.NOT_STARTED, Status.STARTED, Status.CANCELING})


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run of a job: the ticket it was given, and how far it is."""

    id: str
    ticket: Ticket
    status: Status


class DagsterRuns:
    """The runs that a Dagster instance keeps."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance

    def of(self, job_ids: Collection[UUID]) -> Sequence[Run]:
        """Every run that was ever asked for by one of these jobs."""
        tags = {JOB_ID_TAG: [str(job_id) for job_id in job_ids]}
        return with_tickets(self._instance.get_runs(dg.RunsFilter(tags=tags)))

    def unfinished(self, most: int) -> Sequence[Run]:
        """Runs of jobs that have not ended, the oldest first."""
        filters = dg.RunsFilter(statuses=list(UNFINISHED))
        return with_tickets(self._instance.get_runs(filters, limit=most, ascending=True))

    def step(self, run: Run) -> str:
        """The step that a run began last; empty when it began none."""
        steps = self._instance.get_run_step_stats(run.id)
        return max(steps, key=lambda step: step.start_time or 0.0).step_key if steps else ""

    def close(self, run: Run, why: str) -> None:
        """Marks a run as failed, or as canceled where that was asked for, unless it has ended.

        Its places in pools are free then. Where pools limit ops, Dagster's default, they are a dead
        run's for ever, and the job's next attempt would wait for them in vain.
        """
        self._instance.event_log_storage.free_concurrency_slots_for_run(run.id)
        found = self._instance.get_run_by_id(run.id)
        if found is None or found.is_finished:
            return
        if found.status is Status.CANCELING:
            self._instance.report_run_canceled(found, why)
        else:
            self._instance.report_run_failed(found, why)


def with_tickets(runs: Iterable[dg.DagsterRun]) -> list[Run]:
    """Those of the runs that were given a ticket; the others are of something else."""
    return [
        Run(id=run.run_id, ticket=ticket, status=run.status)
        for run in runs
        if (ticket := ticket_of(run))
    ]


def ticket_of(run: dg.DagsterRun) -> Ticket | None:
    """The ticket in a run's configuration; None where there is none, or none that could be read."""
    match run.run_config:
        case {"ops": {"open_job": {"config": dict() as config}}}:
            try:
                return OpenJob.model_validate(config).ticket
            except ValueError:  # somebody wrote it by hand
                return None
        case _:
            return None
