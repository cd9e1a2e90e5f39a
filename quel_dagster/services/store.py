"""The job store: one verb for everything that can happen to a job, each one guarded transaction.

A row of a job changes here and nowhere else. What the verbs do lies in `attempts` (the attempt and
the job), `slots` (its pictures), `credits` and `photos`.
"""

from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from quel_dagster.model.cancellation import Cancellation
from quel_dagster.model.job import (
    Job,
    JobRow,
    Outcome,
    Picture,
    Production,
    Reservation,
    Slot,
    Spent,
    Ticket,
    WaitingRow,
)
from quel_dagster.model.spec import Spec
from quel_dagster.services import attempts, cancels, endings, inputs, lapses, slots, spending
from quel_dagster.services.counters import Counters
from quel_dagster.services.database import reaching_postgres
from quel_dagster.services.depths import Depths
from quel_dagster.services.lapses import Holder
from quel_dagster.services.limits import Limits
from quel_dagster.services.statements import load


class JobStore:
    """The jobs in PostgreSQL. Every verb raises `Unavailable` when the server cannot be reached.

    Args:
        engine: a pool of connections (`database.connect`).
        lease: how long an attempt counts as alive without a sign of life.
        price: credits per delivered picture.
    """

    def __init__(self, engine: sa.Engine, *, lease: timedelta, price: int) -> None:
        self.counters = Counters(engine)
        self.depths = Depths(engine)
        self.limits = Limits(engine)
        self._engine = engine
        self._lease = lease
        self._price = price

    def look(self, rung: Sequence[UUID], grace: timedelta, batch: int) -> list[WaitingRow]:
        """The rows a tick may start: those rung for, and of every path the oldest waiting ones.

        Args:
            rung: ids from the doorbell; those without a row are not in the answer.
            grace: the age at which a row is served without a ring.
            batch: the most rows of one path.
        """
        ids = [str(job_id) for job_id in rung]
        values = {"rung": ids, "grace": grace, "lease": self._lease, "batch": batch}
        with self._transaction() as tx:
            tx.execute(load("in_order"))
            rows = tx.execute(load("look"), values).mappings().all()
        return [WaitingRow(**row) for row in rows]

    def reserve(
        self, path: str, candidates: Sequence[tuple[UUID, str | None]], limit: int
    ) -> list[Reservation]:
        """Lets jobs in on a path, oldest first, as long as fewer than `limit` attempts are alive.

        Args:
            path: the path that will serve them.
            candidates: job ids, each with the path it asked for where that is another.
            limit: the path's room.
        """
        asked_for = dict(candidates)
        values = {
            "path": path,
            "candidates": [str(job_id) for job_id in asked_for],
            "requested_paths": list(asked_for.values()),
            "room": limit,
            "lease": self._lease,
        }
        with self._transaction() as tx:
            tx.execute(load("lock_path"), {"path": path})
            rows = tx.execute(load("reserve"), values).all()
        return [
            Reservation(
                ticket=Ticket(job_id=row.job_id, claim_id=row.claim_id, attempt=row.attempt),
                path=path,
                requested_path=row.requested_path,
                production_id=row.production_id,
                member_id=row.member_id,
                job_type=row.job_type,
            )
            for row in rows
        ]

    def refuse(self, job_id: UUID, reason: str) -> bool:
        """Closes a job that can never run; false when it is no longer waiting, or somebody's."""
        with self._transaction() as tx:
            return attempts.refuse(tx, job_id, reason, self._lease)

    def cancel(self, job_id: UUID) -> Cancellation:
        """Cancels a job: at once when nobody works on it, else its run stops as soon as it can."""
        with self._transaction() as tx:
            return cancels.cancel(tx, job_id)

    def is_cancel_asked(self, job_id: UUID) -> bool:
        """Whether the run that holds the job is to stop; no longer true once the job is final."""
        with self._transaction() as tx:
            return cancels.is_asked(tx, job_id)

    def open(self, ticket: Ticket, run_id: str) -> JobRow:
        """A run takes its job, by the ticket of its reservation, once.

        Raises:
            TicketLost: the ticket is used or taken over, or the job is no longer waiting.
        """
        with self._transaction() as tx:
            return attempts.open_job(tx, ticket, run_id, self._lease)

    def renew(self, ticket: Ticket) -> None:
        """A sign of life: the attempt counts as alive for another lease.

        Raises:
            TicketLost: another attempt has taken over, the job is no longer in progress, or the
                lease has run out.
        """
        with self._held(ticket) as tx:
            attempts.renew(tx, ticket.job_id, self._lease)

    def plan(self, ticket: Ticket, specs: Sequence[Spec]) -> dict[int, Slot]:
        """Notes the job's slots, keeping what is there; returns where each one stands."""
        with self._held(ticket) as tx:
            return slots.plan(tx, ticket.job_id, specs)

    def spent(self, ticket: Ticket) -> Spent:
        """What the job has used up of its budget, in all attempts since it was ordered."""
        with self._held(ticket) as tx:
            return spending.spent(tx, ticket.job_id)

    def submit(
        self, ticket: Ticket, spec: Spec, generation: int, prompt: UUID, backend: str
    ) -> None:
        """Notes which render is about to be asked for, and on which back end."""
        with self._held(ticket) as tx:
            slots.submit(tx, ticket.job_id, spec, generation, prompt, backend)

    def give_up(self, ticket: Ticket, number: int, error: str) -> None:
        """Notes why a slot has no picture."""
        with self._held(ticket) as tx:
            slots.give_up(tx, ticket.job_id, number, error)

    def deliver(self, job: Job, picture: Picture) -> None:
        """Attaches and charges a stored picture and moves the progress: all of it once, or nothing.

        Raises:
            NoCredits: the payer cannot pay.
        """
        with self._held(job.ticket) as tx:
            slots.deliver(tx, job, picture, self._price)

    def settle(self, ticket: Ticket, production: Production) -> Outcome:
        """Closes the job by what was delivered: completed, failed or user_cancelled."""
        with self._held(ticket) as tx:
            return endings.conclude(tx, ticket.job_id, production)

    def release(
        self, ticket: Ticket, message: str, *, pause: timedelta, most: int, failure: str = ""
    ) -> Outcome:
        """Ends the attempt; the job waits for another, or is closed after `most` attempts."""
        with self._held(ticket) as tx:
            return lapses.release(tx, ticket, message, pause=pause, most=most, failure=failure)

    def hand_back(self, ticket: Ticket, message: str) -> Outcome:
        """Ends the attempt as if it had not been: the job waits, to be let in again at once."""
        with self._held(ticket) as tx:
            return lapses.hand_back(tx, ticket, message)

    def holders(self, most: int) -> list[Holder]:
        """The attempts that hold a job, those first whose lease is over or will be soonest."""
        with self._transaction() as tx:
            return lapses.holders(tx, most)

    def extend(self, ticket: Ticket) -> bool:
        """A lapsed reservation counts for another lease, for its run has yet to begin."""
        with self._transaction() as tx:
            return lapses.extend(tx, ticket, self._lease)

    def free(self, ticket: Ticket) -> bool:
        """A lapsed reservation ends; its job waits, and no attempt is used up."""
        with self._transaction() as tx:
            return lapses.free(tx, ticket)

    def crash(self, ticket: Ticket, message: str, *, pause: timedelta, most: int) -> Outcome | None:
        """A lapsed attempt ends as one that was killed; None when it is not lapsed, or not ours."""
        with self._transaction() as tx:
            return lapses.crash(tx, ticket, message, pause, most)

    def call_off(self, ticket: Ticket, reason: str) -> Outcome | None:
        """Closes the job as user_cancelled; None when the attempt no longer holds it."""
        with self._transaction() as tx:
            return lapses.call_off(tx, ticket, reason)

    def over(self, tickets: Collection[Ticket]) -> Collection[Ticket]:
        """Those whose attempt ended at least a lease ago, and those whose job is gone."""
        with self._transaction() as tx:
            return lapses.over(tx, tickets, self._lease)

    def forsaken(self, job_id: UUID) -> list[tuple[UUID, str]]:
        """Prompt id and back end of what a closed job had asked for and never got."""
        with self._transaction() as tx:
            return slots.forsaken(tx, job_id)

    def prompts(self, job_id: UUID) -> set[UUID]:
        """The prompt ids under which the job's pictures were asked for last."""
        with self._transaction() as tx:
            return slots.prompts(tx, job_id)

    def ticket_of(self, run_id: str) -> Ticket | None:
        """The ticket of the job that a run holds; None when it holds none."""
        with self._transaction() as tx:
            return attempts.ticket_of(tx, run_id)

    def reference_keys(self, attach_ids: Sequence[int]) -> dict[int, str]:
        """Where references lie in storage; an id without a row or a file is left out."""
        with self._transaction() as tx:
            return inputs.reference_keys(tx, attach_ids)

    def order_input(self, ticket: Ticket) -> object:
        """The input of the job that this attempt holds, pictures included."""
        with self._held(ticket) as tx:
            return inputs.order_input(tx, ticket.job_id)

    @contextmanager
    def _transaction(self) -> Generator[sa.Connection]:
        with reaching_postgres(), self._engine.begin() as tx:
            yield tx

    @contextmanager
    def _held(self, ticket: Ticket) -> Generator[sa.Connection]:
        """A transaction that holds the job by its ticket; raises `TicketLost` when it cannot."""
        with self._transaction() as tx:
            attempts.hold(tx, ticket)
            yield tx
