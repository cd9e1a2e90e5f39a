"""Attempts that end before their job does: by a word of their own, or found dead from outside.

When either is called for is decided in `pipeline` and `outcomes`. Every function works inside the
caller's transaction, with the job's row locked first. Those for dead attempts change nothing unless
the attempt is still the one they were called for: any number of callers at once do what one would.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from quel_dagster.model.job import Outcome, Production, Ticket
from quel_dagster.model.status import FINAL, JobStatus, Phase
from quel_dagster.services.attempts import NOW, lock
from quel_dagster.services.endings import LONGEST_MESSAGE, conclude
from quel_dagster.services.slots import tally
from quel_dagster.services.tables import attempt, job

HOLDING = (Phase.RESERVED, Phase.STARTED)
"""Only an attempt in one of these has a lease."""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """An attempt that holds its job; `has_lapsed` when it was silent for longer than its lease."""

    ticket: Ticket
    path: str
    phase: Phase
    run_id: str | None
    has_lapsed: bool


def release(
    tx: sa.Connection,
    ticket: Ticket,
    message: str,
    *,
    pause: timedelta,
    most: int,
    failure: str = "",
) -> Outcome:
    """The job waits for another attempt, or is closed when this one was the last of `most`."""
    if ticket.attempt < most:
        return _wait(tx, ticket.job_id, message, pause=pause, used_up=ticket.attempt)
    last = f"{message} (attempt {ticket.attempt} of {most})"
    return conclude(tx, ticket.job_id, Production(stopped=last, failure=failure))


def hand_back(tx: sa.Connection, ticket: Ticket, message: str) -> Outcome:
    """The job waits and may be let in again at once; the attempt is not used up."""
    used_up = ticket.attempt - 1
    return _wait(tx, ticket.job_id, message, pause=timedelta(0), used_up=used_up)


def holders(tx: sa.Connection, most: int) -> list[Holder]:
    """The attempts that hold a job, those first whose lease is over or will be soonest."""
    columns = (
        attempt.c.job_id,
        attempt.c.claim_id,
        attempt.c.attempt,
        attempt.c.path,
        attempt.c.phase,
        attempt.c.run_id,
        (attempt.c.leased_until <= NOW).label("has_lapsed"),
    )
    holding = attempt.c.phase.in_(HOLDING)
    rows = tx.execute(
        sa.select(*columns).where(holding).order_by(attempt.c.leased_until).limit(most)
    )
    return [
        Holder(
            ticket=Ticket(job_id=row.job_id, claim_id=row.claim_id, attempt=row.attempt),
            path=row.path,
            phase=Phase(row.phase),
            run_id=row.run_id,
            has_lapsed=row.has_lapsed,
        )
        for row in rows
    ]


def extend(tx: sa.Connection, ticket: Ticket, lease: timedelta) -> bool:
    """A lapsed reservation counts for another lease: its run has yet to begin."""
    found = _lapsed(tx, ticket, Phase.RESERVED)
    if found:
        _change(tx, ticket.job_id, leased_until=NOW + lease)
    return found is not None


def free(tx: sa.Connection, ticket: Ticket) -> bool:
    """A lapsed reservation ends and its job may be let in again at once.

    The attempt is not used up: no run began, so the job did nothing wrong. Its ticket is void.
    """
    row = _lapsed(tx, ticket, Phase.RESERVED)
    if row is None:
        return False
    _follow(tx, ticket.job_id, row.job_status, attempt=ticket.attempt - 1)
    return True


def crash(
    tx: sa.Connection, ticket: Ticket, message: str, pause: timedelta, most: int
) -> Outcome | None:
    """A lapsed attempt ends as one that was killed; its job waits, or is closed after the last.

    Returns:
        What the job comes to; None where it is not the attempt's to decide any more.
    """
    row = _lapsed(tx, ticket, Phase.STARTED)
    if row is None:
        return None
    if row.job_status != JobStatus.PROCESSING:
        _follow(tx, ticket.job_id, row.job_status)
        return None
    _change(tx, ticket.job_id, crash_count=attempt.c.crash_count + 1)
    return release(tx, ticket, message, pause=pause, most=most, failure="crashed")


def call_off(tx: sa.Connection, ticket: Ticket, reason: str) -> Outcome | None:
    """Closes the job as user_cancelled, however alive its attempt is; what is delivered stays.

    Returns:
        What the job comes to; None when the attempt no longer holds it.
    """
    row = lock(tx, ticket.job_id)
    if row is None or row.job_status in FINAL:
        return None
    if tx.scalar(_this(ticket).where(attempt.c.phase.in_(HOLDING))) is None:
        return None
    return conclude(tx, ticket.job_id, Production(cancelled=True, stopped=reason))


def over(tx: sa.Connection, tickets: Collection[Ticket], since: timedelta) -> Sequence[Ticket]:
    """Those tickets whose attempt ended at least so long ago, and those whose job is gone.

    An attempt that was just settled is left out: its run is about to end by itself.
    """
    long_ago = NOW - since
    has_ended = attempt.c.phase.not_in(HOLDING) & (attempt.c.updated_at <= long_ago)
    columns = (
        attempt.c.job_id,
        attempt.c.claim_id,
        has_ended.label("has_ended"),
        (attempt.c.reserved_at <= long_ago).label("was_replaced"),
    )
    of_these = attempt.c.job_id.in_([ticket.job_id for ticket in tickets])
    rows = tx.execute(sa.select(*columns).where(of_these))
    newest = {row.job_id: row for row in rows}

    def is_over(ticket: Ticket) -> bool:
        row = newest.get(ticket.job_id)
        if row is None:
            return True
        return bool(row.has_ended if row.claim_id == ticket.claim_id else row.was_replaced)

    return [ticket for ticket in tickets if is_over(ticket)]


def _wait(
    tx: sa.Connection, job_id: UUID, message: str, *, pause: timedelta, used_up: int
) -> Outcome:
    """The job goes back to waiting, not to be let in again before the pause is over.

    Unless somebody wants it cancelled: then nothing is left to wait for.
    """
    if tx.scalar(sa.select(attempt.c.cancel_asked_at).where(attempt.c.job_id == job_id)):
        return conclude(tx, job_id, Production(cancelled=True))
    message = message[:LONGEST_MESSAGE]
    tx.execute(
        sa.update(job)
        .where(job.c.job_id == job_id)
        .values(job_status=JobStatus.PENDING, error_message=message, retry_count=used_up)
    )
    _change(
        tx,
        job_id,
        phase=Phase.WAITING,
        attempt=used_up,
        leased_until=None,
        next_try_at=NOW + pause,
        last_error=message,
    )
    delivered = tally(tx, job_id).delivered
    return Outcome(status=JobStatus.PENDING, delivered=delivered, failed=0, message=message)


def _lapsed(
    tx: sa.Connection, ticket: Ticket, phase: Phase
) -> sa.Row[tuple[JobStatus | None, int, UUID]] | None:
    """Locks the job's row; None unless the attempt is still in the phase and its lease over."""
    row = lock(tx, ticket.job_id)
    still = _this(ticket).where(attempt.c.phase == phase, attempt.c.leased_until <= NOW)
    return row if tx.scalar(still) else None


def _this(ticket: Ticket) -> sa.Select[tuple[UUID]]:
    return sa.select(attempt.c.job_id).where(
        attempt.c.job_id == ticket.job_id, attempt.c.claim_id == ticket.claim_id
    )


def _follow(tx: sa.Connection, job_id: UUID, status: JobStatus | None, **changes: object) -> None:
    """Ends an attempt without touching its job, which another hand may have closed."""
    phase = Phase.CLOSED if status in FINAL else Phase.WAITING
    _change(tx, job_id, phase=phase, leased_until=None, next_try_at=None, **changes)


def _change(tx: sa.Connection, job_id: UUID, **changes: object) -> None:
    this = attempt.c.job_id == job_id
    tx.execute(sa.update(attempt).where(this).values(updated_at=NOW, **changes))
