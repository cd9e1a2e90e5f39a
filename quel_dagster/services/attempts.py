"""An attempt at a job: who holds it, and how it begins. How a job ends lies in `endings`.

Every function works inside the caller's transaction. All lock the job's row first and whatever
else they change after it, so that no two of them can wait for each other.
"""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from quel_dagster.model.errors import TicketLost
from quel_dagster.model.job import JobRow, Payer, Production, Ticket
from quel_dagster.model.status import JobStatus, Phase
from quel_dagster.services import counters, spending
from quel_dagster.services.counters import Counter
from quel_dagster.services.endings import conclude
from quel_dagster.services.photos import follow_jobs
from quel_dagster.services.tables import attempt, job

NOW = sa.func.clock_timestamp()


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
    found = _begin(tx, ticket, is_new_order=is_new_order)
    follow_jobs(tx, row.production_id)
    if is_new_order and found.waited is not None:
        counters.add(tx, [counters.span(Counter.WAIT, opened.path, found.waited)])
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
    conclude(tx, job_id, Production(stopped=reason, failure=counters.REFUSED))
    return True


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


def _begin(
    tx: sa.Connection, ticket: Ticket, *, is_new_order: bool
) -> sa.Row[tuple[str, object, UUID | None, UUID | None, timedelta | None]]:
    """Writes the beginning to the job's row; what it asks for, who pays, and how long it waited."""
    began = NOW if is_new_order else sa.func.coalesce(job.c.started_at, NOW)
    # Of a job that had ended and was ordered anew nobody noted when that was.
    waited = sa.case((job.c.completed_at.is_(None), job.c.started_at - job.c.created_at))
    # One update: a second one of the same row would check its photo, and so lock that too soon.
    return tx.execute(
        sa.update(job)
        .where(job.c.job_id == ticket.job_id)
        .values(job_status=JobStatus.PROCESSING, started_at=began, retry_count=ticket.attempt - 1)
        .returning(
            job.c.job_type,
            job.c.job_input_data,
            job.c.quel_member_id,
            job.c.org_id,
            waited.label("waited"),
        )
    ).one()
