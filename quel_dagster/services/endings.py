"""How a job ends: the status it comes to, on its row, its attempt, its photo and in the counts.

Every function works inside the caller's transaction, which has locked the job's row.
"""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import sqlalchemy as sa

from quel_dagster.model.alert import Alert, AlertKind
from quel_dagster.model.job import Outcome, Production
from quel_dagster.model.status import JobStatus, Phase
from quel_dagster.services import counters, outbox
from quel_dagster.services.photos import follow_jobs
from quel_dagster.services.slots import Tally, close, tally
from quel_dagster.services.tables import attempt, job

NOW = sa.func.clock_timestamp()
LONGEST_MESSAGE = 2000
"""Characters of `error_message`."""
EVERY_PICTURE = "every_picture"
"""The kind of failure of a job whose pictures were given up one by one."""


def conclude(tx: sa.Connection, job_id: UUID, production: Production) -> Outcome:
    """Gives a job, whose row the caller has locked, its last status by what was delivered.

    A wish to cancel that was noted meanwhile counts, and binds nobody after this.
    """
    row = tx.execute(
        sa.select(
            job.c.total_images,
            job.c.production_id,
            job.c.quel_production_path,
            attempt.c.path,
            attempt.c.cancel_asked_at,
        )
        .outerjoin_from(job, attempt, job.c.job_id == attempt.c.job_id)
        .where(job.c.job_id == job_id)
    ).one()
    cancelled = production.cancelled or row.cancel_asked_at is not None
    production = replace(production, cancelled=cancelled)
    outcome = outcome_of(production, tally(tx, job_id), row.total_images)
    failure = failure_of(outcome, production)
    if not cancelled:
        close(tx, job_id, production.stopped or "it was not made")
    ran = _close_row(tx, job_id, outcome)
    _close_attempt(tx, job_id, outcome, failure)
    follow_jobs(tx, row.production_id)
    if outcome.status is JobStatus.FAILED and failure != counters.STALE:
        path = row.path or (row.quel_production_path or "").strip().lower()
        outbox.note(tx, failed(job_id, path, outcome))
    counters.add(tx, counters.ended(outcome, row.path or counters.NO_PATH, failure, ran))
    return outcome


def outcome_of(production: Production, slots: Tally, ordered: int) -> Outcome:
    """What a job comes to. All or some pictures: completed; none: failed (W-10).

    Args:
        production: what the last attempt says.
        slots: of all attempts.
        ordered: how many pictures the row asks for; counts where no slot was planned.
    """
    delivered = slots.delivered
    missing = max((slots.planned or ordered) - delivered, 0)
    if delivered and not missing:
        return Outcome(status=JobStatus.COMPLETED, delivered=delivered, failed=0)
    message = "; ".join(filter(None, (production.stopped, slots.errors)))[:LONGEST_MESSAGE] or None
    if production.cancelled:
        status, failed = JobStatus.USER_CANCELLED, slots.failed
    else:
        status, failed = JobStatus.COMPLETED if delivered else JobStatus.FAILED, missing
        message = message or f"{missing} of {delivered + missing} pictures were not made"
    return Outcome(status=status, delivered=delivered, failed=failed, message=message)


def failure_of(outcome: Outcome, production: Production) -> str | None:
    """The kind of failure of a job that failed; None for every other job."""
    if outcome.status is not JobStatus.FAILED:
        return None
    return production.failure or EVERY_PICTURE


def failed(job_id: UUID, path: str, outcome: Outcome) -> Alert:
    """The alert of a job that failed for good. An id may be ordered again and fail again.

    Its path is the one that served it, else the one that its row names, if any.
    """
    kind = AlertKind.JOB_FAILED
    return Alert(
        event=f"{kind}/{job_id}/{uuid4()}",
        kind=kind,
        path=path,
        job_id=job_id,
        told=f"{path or 'A'} job {job_id} failed: {outcome.message}",
    )


def _close_row(tx: sa.Connection, job_id: UUID, outcome: Outcome) -> timedelta | None:
    """Writes the end to the job's row; the time since it first began, None where it never did."""
    return tx.scalar(
        sa.update(job)
        .where(job.c.job_id == job_id)
        .values(
            job_status=outcome.status,
            completed_at=NOW,
            completed_images=outcome.delivered,
            failed_images=outcome.failed,
            error_message=outcome.message,
        )
        .returning(job.c.completed_at - job.c.started_at)
    )


def _close_attempt(tx: sa.Connection, job_id: UUID, outcome: Outcome, failure: str | None) -> None:
    tx.execute(
        sa.update(attempt)
        .where(attempt.c.job_id == job_id)
        .values(
            phase=Phase.CLOSED,
            leased_until=None,
            next_try_at=None,
            last_error=outcome.message,
            failure=failure,
            cancel_asked_at=None,
            updated_at=NOW,
        )
    )
