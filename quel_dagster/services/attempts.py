"""An attempt from its reservation to its end: who holds a job, and what the job comes to.

Every function works inside the caller's transaction. All lock the job's row first and whatever
else they change after it, so that no two of them can wait for each other.
"""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from quel_dagster.model.errors import TicketLost
from quel_dagster.model.job import JobRow, Outcome, Payer, Production, Ticket
from quel_dagster.model.status import JobStatus, Phase
from quel_dagster.services import spending
from quel_dagster.services.photos import follow_jobs
from quel_dagster.services.slots import Tally, close, tally
from quel_dagster.services.tables import attempt, job

NOW = sa.func.clock_timestamp()
LONGEST_MESSAGE = 2000
"""Characters of `error_message`."""


def hold(tx: sa.Connection, ticket: Ticket) -> None:
    """Locks the job for this transaction, if the ticket is still the job's.

    Raises:
        TicketLost: another attempt has taken over, or the job is no longer in progress (W-07).
    """
    row = lock(tx, ticket.job_id)
    held = sa.select(attempt.c.job_id).where(
        attempt.c.job_id == ticket.job_id,
        attempt.c.claim_id == ticket.claim_id,
        attempt.c.phase == Phase.STARTED,
    )
    if row is None or tx.scalar(held) is None:
        raise TicketLost(who_holds(tx, ticket))
    if row.job_status != JobStatus.PROCESSING:
        raise TicketLost(f"the job is {row.job_status} by now")


def lock(tx: sa.Connection, job_id: UUID) -> sa.Row[tuple[JobStatus | None, int, UUID]] | None:
    """Locks a job's row; its status, total_images and production_id. None where there is no row."""
    columns = job.c.job_status, job.c.total_images, job.c.production_id
    return tx.execute(
        sa.select(*columns).where(job.c.job_id == job_id).with_for_update()
    ).one_or_none()


def who_holds(tx: sa.Connection, ticket: Ticket) -> str:
    """Who has the job now, in words for a log line."""
    of_attempt = attempt.c.attempt, attempt.c.phase, attempt.c.run_id, attempt.c.claim_id
    row = tx.execute(
        sa.select(*of_attempt, job.c.job_status)
        .join_from(attempt, job, job.c.job_id == attempt.c.job_id)
        .where(attempt.c.job_id == ticket.job_id)
    ).one_or_none()
    if row is None:
        return "the job or its reservation is gone"
    run = row.run_id or "not begun"
    if row.claim_id == ticket.claim_id and row.phase == Phase.RESERVED:
        return "this attempt is only reserved, or its reservation ran out before a run began"
    if row.claim_id == ticket.claim_id:
        end = f", the job is {row.job_status}" if row.phase == Phase.CLOSED else ""
        return f"this attempt is already {row.phase} (run {run}){end}"
    return f"attempt {row.attempt} has taken over: {row.phase}, run {run}"


def open_job(tx: sa.Connection, ticket: Ticket, run_id: str, lease: timedelta) -> JobRow:
    """Reserved becomes started, pending becomes processing: by this run and no other.

    Raises:
        TicketLost: the reservation was taken over or used, or the row is no longer pending.
    """
    row = lock(tx, ticket.job_id)
    opened = _start(tx, ticket, run_id, lease)
    if opened is None or row is None:
        raise TicketLost(who_holds(tx, ticket))
    if row.job_status != JobStatus.PENDING:
        raise TicketLost(f"the job is {row.job_status} by now")
    is_new_order = opened.renders_before is None
    if is_new_order:
        spending.begin(tx, ticket.job_id)
    began = NOW if is_new_order else sa.func.coalesce(job.c.started_at, NOW)
    # One update: a second one of the same row would check its photo, and so lock that too soon.
    found = tx.execute(
        sa.update(job)
        .where(job.c.job_id == ticket.job_id)
        .values(job_status=JobStatus.PROCESSING, started_at=began, retry_count=ticket.attempt - 1)
        .returning(job.c.job_type, job.c.job_input_data, job.c.quel_member_id, job.c.org_id)
    ).one()
    follow_jobs(tx, row.production_id)
    return JobRow(
        ticket=ticket,
        path=opened.path,
        requested_path=opened.requested_path,
        job_type=found.job_type,
        production_id=row.production_id,
        total_images=row.total_images,
        input=found.job_input_data,
        payer=Payer(member_id=found.quel_member_id, org_id=found.org_id),
    )


def renew(tx: sa.Connection, job_id: UUID, lease: timedelta) -> None:
    """Lets the attempt that holds the job count as alive for another lease.

    Raises:
        TicketLost: the lease is over. Its place on the path may be another's by now, so that an
            attempt that came to life again would be one too many.
    """
    renewed = tx.execute(
        sa.update(attempt)
        .where(attempt.c.job_id == job_id, attempt.c.leased_until > NOW)
        .values(leased_until=NOW + lease, updated_at=NOW)
    )
    if not renewed.rowcount:
        raise TicketLost("the lease ran out before it was renewed")


def ticket_of(tx: sa.Connection, run_id: str) -> Ticket | None:
    """The ticket of the job that a run holds; None when it holds none."""
    row = tx.execute(
        sa.select(attempt.c.job_id, attempt.c.claim_id, attempt.c.attempt).where(
            attempt.c.run_id == run_id, attempt.c.phase == Phase.STARTED
        )
    ).one_or_none()
    if row is None:
        return None
    return Ticket(job_id=row.job_id, claim_id=row.claim_id, attempt=row.attempt)


def refuse(tx: sa.Connection, job_id: UUID, reason: str, lease: timedelta) -> bool:
    """Closes a job that waits and that nobody holds, as `reserve` counts it; whether it was one."""
    alive = sa.select(attempt.c.job_id).where(
        attempt.c.job_id == job_id, attempt.c.leased_until > NOW - lease
    )
    row = lock(tx, job_id)
    if row is None or row.job_status != JobStatus.PENDING or tx.scalar(alive):
        return False
    conclude(tx, job_id, Production(stopped=reason))
    return True


def conclude(tx: sa.Connection, job_id: UUID, production: Production) -> Outcome:
    """Gives a job, whose row the caller has locked, its last status by what was delivered.

    A wish to cancel that was noted meanwhile counts, and binds nobody after this.
    """
    row = tx.execute(
        sa.select(job.c.total_images, job.c.production_id, attempt.c.cancel_asked_at)
        .outerjoin_from(job, attempt, job.c.job_id == attempt.c.job_id)
        .where(job.c.job_id == job_id)
    ).one()
    cancelled = production.cancelled or row.cancel_asked_at is not None
    production = replace(production, cancelled=cancelled)
    outcome = outcome_of(production, tally(tx, job_id), row.total_images)
    if not cancelled:
        close(tx, job_id, production.stopped or "it was not made")
    tx.execute(
        sa.update(job)
        .where(job.c.job_id == job_id)
        .values(
            job_status=outcome.status,
            completed_at=NOW,
            completed_images=outcome.delivered,
            failed_images=outcome.failed,
            error_message=outcome.message,
        )
    )
    tx.execute(
        sa.update(attempt)
        .where(attempt.c.job_id == job_id)
        .values(
            phase=Phase.CLOSED,
            leased_until=None,
            next_try_at=None,
            last_error=outcome.message,
            cancel_asked_at=None,
            updated_at=NOW,
        )
    )
    follow_jobs(tx, row.production_id)
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


def _start(
    tx: sa.Connection, ticket: Ticket, run_id: str, lease: timedelta
) -> sa.Row[tuple[str, str | None, int | None]] | None:
    """The reservation becomes this run's; its path, requested_path and renders_before, if it does.

    It does not where another attempt has a later ticket, or this one was used before, or nobody
    counts it as alive any more (`reserve`): its place on the path may be another's.
    """
    return tx.execute(
        sa.update(attempt)
        .where(
            attempt.c.job_id == ticket.job_id,
            attempt.c.claim_id == ticket.claim_id,
            attempt.c.phase == Phase.RESERVED,
            attempt.c.leased_until > NOW - lease,
        )
        .values(
            phase=Phase.STARTED,
            run_id=run_id,
            started_at=NOW,
            leased_until=NOW + lease,
            updated_at=NOW,
        )
        .returning(attempt.c.path, attempt.c.requested_path, attempt.c.renders_before)
    ).one_or_none()
