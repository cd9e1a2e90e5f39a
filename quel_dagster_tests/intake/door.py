"""A front door with a customer in front of it: real PostgreSQL, real Redis, the real front end."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from quel_dagster.demo.front_end import FrontEnd, NewOrder
from quel_dagster.intake.tick import Tick
from quel_dagster.model.job import Payer, Reservation
from quel_dagster.model.settings import WorkerSettings
from quel_dagster.services.queue import JobQueue
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import SUIT, place

SERVED = ("fashion", "beauty", "eats")
LEASE = timedelta(minutes=1)
HASTY = {"redis": {"timeout": "10ms"}}
"""No test waits for a ring that does not come."""


@dataclass(frozen=True, kw_only=True)
class Door:
    """The clients of a tick, and a customer who orders."""

    engine: sa.Engine
    queue: JobQueue
    store: JobStore
    customer: Payer

    def order(
        self,
        path: str | None = "fashion",
        input: object = SUIT,  # noqa: A002 - the word of the front end
    ) -> UUID:
        """An order as it should be: written, and rung for."""
        order = NewOrder(path=path, input=input, payer=self.customer)
        return FrontEnd(self.engine, self.queue).place(order)

    def unrung(self, path: str | None = "fashion", *, age: timedelta = timedelta(0)) -> UUID:
        """An order whose ring was lost."""
        return place(self.engine, self.customer, path=path, age=age)

    def tick(self, **worker: object) -> list[Reservation]:
        """What one tick lets in, under these settings of `worker`."""
        settings = WorkerSettings.model_validate({**HASTY, **worker})
        limits = {path: settings.path(path).max_workers for path in SERVED}
        return Tick(
            self.queue, self.store, settings, lambda: limits, logging.getLogger("tick")
        ).let_in()

    def let_in(self, **worker: object) -> list[UUID]:
        """The jobs that one tick lets in."""
        return [reservation.ticket.job_id for reservation in self.tick(**worker)]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What a tick warned about, in order."""
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
