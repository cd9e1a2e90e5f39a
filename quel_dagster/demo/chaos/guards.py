"""The guards that keep a job from being lost or doubled, and a store from which they can be taken.

Taking one out is for the proof that the counts would show it; the guards themselves are the
product's.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import event

from quel_dagster.model.job import Job, JobRow, Picture, Reservation, Slot, Ticket
from quel_dagster.model.spec import Spec
from quel_dagster.model.status import SlotState
from quel_dagster.services import attempts, tables
from quel_dagster.services.store import JobStore

ADVISORY_LOCK = "pg_advisory_xact_lock"


class Guard(StrEnum):
    """What can be taken out."""

    FENCE = "fence"
    LEASE = "lease"
    LOCK = "lock"
    SLOT = "slot"


WITHOUT = {
    Guard.FENCE: "a write does not show the ticket; whoever comes back late writes on",
    Guard.LEASE: "every attempt counts as dead as soon as it has begun",
    Guard.LOCK: "all who reserve at the same time count the same room",
    Guard.SLOT: "what is delivered is not remembered; every attempt makes every picture",
}
"""What it is like without a guard."""


class GuardedStore(JobStore):
    """The store without the guards named in `removed`.

    Args:
        engine: a pool of connections.
        lease: how long an attempt counts as alive without a sign of life.
        price: credits per delivered picture.
        removed: the guards to go without.
        holding: called in every transaction that has locked a job by its ticket.
    """

    def __init__(
        self,
        engine: sa.Engine,
        *,
        lease: timedelta,
        price: int,
        removed: frozenset[Guard],
        holding: Callable[[], None],
    ) -> None:
        super().__init__(engine, lease=lease, price=price)
        self._removed = removed
        self._holding = holding
        self._is_reserving = False
        if Guard.LOCK in removed:
            event.listen(engine, "before_cursor_execute", without_lock, retval=True)
            event.listen(engine, "commit", self._linger)

    def reserve(
        self, path: str, candidates: Sequence[tuple[UUID, str | None]], limit: int
    ) -> list[Reservation]:
        """Without the path's lock, with a slow commit: that two count at once is no luck then."""
        self._is_reserving = True
        try:
            return super().reserve(path, candidates, limit)
        finally:
            self._is_reserving = False

    def open(self, ticket: Ticket, run_id: str) -> JobRow:
        """Without the lease, the attempt that begins is dead for everybody else."""
        opened = super().open(ticket, run_id)
        if Guard.LEASE in self._removed:
            this = tables.attempt.c.job_id == ticket.job_id
            with self._transaction() as tx:
                tx.execute(sa.update(tables.attempt).where(this).values(leased_until=attempts.NOW))
        return opened

    def renew(self, ticket: Ticket) -> None:
        """Without the lease there is none to renew."""
        if Guard.LEASE not in self._removed:
            super().renew(ticket)

    def plan(self, ticket: Ticket, specs: Sequence[Spec]) -> dict[int, Slot]:
        """Without the slots' guard, nothing is delivered yet."""
        slots = super().plan(ticket, specs)
        if Guard.SLOT not in self._removed:
            return slots
        return {number: replace(slot, state=SlotState.SUBMITTED) for number, slot in slots.items()}

    def deliver(self, job: Job, picture: Picture) -> None:
        """Without the slots' guard, a slot has no picture yet."""
        if Guard.SLOT in self._removed:
            this = (tables.slot.c.job_id == job.id) & (tables.slot.c.slot == picture.slot)
            with self._held(job.ticket) as tx:
                tx.execute(sa.update(tables.slot).where(this).values(state=SlotState.SUBMITTED))
        super().deliver(job, picture)

    def _linger(self, connection: sa.Connection) -> None:
        """A commit that takes its time, as on a busy disk."""
        if self._is_reserving:
            connection.exec_driver_sql("SELECT pg_sleep(0.2)")

    @contextmanager
    def _held(self, ticket: Ticket) -> Generator[sa.Connection]:
        """Without the fence, whoever asks holds the job."""
        if Guard.FENCE not in self._removed:
            with super()._held(ticket) as tx:
                self._holding()
                yield tx
            return
        with self._transaction() as tx:
            attempts.lock(tx, ticket.job_id)
            self._holding()
            yield tx


def without_lock(
    _connection: sa.Connection,
    _cursor: object,
    statement: str,
    parameters: object,
    _context: object,
    _many: bool,
) -> tuple[str, object]:
    """Every statement as it was, but for the one that takes the path's lock."""
    return ("SELECT 1", ()) if ADVISORY_LOCK in statement else (statement, parameters)
