"""Renders that need a place on a server, each of a job in progress."""

from datetime import timedelta
from uuid import uuid4

import sqlalchemy as sa

from quel_dagster.model.job import Payer, Ticket
from quel_dagster.services.backend_book import Seat
from quel_dagster.services.migrations import record_cut_off
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import make_member, place
from quel_dagster_tests.services.store.jobs import LEASE, PRICE, begin


class Seats:
    """Of one job with any number of slots, unless a test asks for another one."""

    def __init__(self, engine: sa.Engine) -> None:
        record_cut_off(engine, timedelta(days=1))
        self.store = JobStore(engine, lease=LEASE, price=PRICE)
        self._engine = engine
        self._slots = 0
        self.ticket = self.begin()

    def begin(self) -> Ticket:
        """A job in progress."""
        payer = Payer(member_id=make_member(self._engine))
        return begin(self.store, place(self._engine, payer), f"run-{uuid4()}").ticket

    def new(self, ticket: Ticket | None = None, model: str = "") -> Seat:
        """A render of a slot that no other seat is of."""
        self._slots += 1
        return Seat(ticket=ticket or self.ticket, slot=self._slots, prompt_id=uuid4(), model=model)
