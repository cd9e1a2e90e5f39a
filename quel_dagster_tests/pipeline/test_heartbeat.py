"""The heartbeat of an attempt: it keeps the lease, and knows when it may have lost it."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from quel_dagster.model.errors import TicketLost, Unavailable
from quel_dagster.model.job import Payer, Production, Ticket
from quel_dagster.pipeline.heartbeat import Heartbeat
from quel_dagster.services import tables
from quel_dagster.services.database import connect
from quel_dagster.services.migrations import record_cut_off
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import make_member, place
from quel_dagster_tests.outcomes.workshop import wait_until
from quel_dagster_tests.services.store.jobs import begin, lapse, row

LEASE = timedelta(seconds=1)
IN_THE_STORE = timedelta(minutes=5)
"""Longer than the heartbeat knows of, so that only a test lets it run out."""


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Store(JobStore):
    """A store that counts renewals, and can be out of reach or slow for them."""

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__(engine, lease=IN_THE_STORE, price=20)
        self.clock = Clock()
        self.takes = 0.0
        self.is_away = False
        self.asked = threading.Semaphore(0)

    def renew(self, ticket: Ticket) -> None:
        self.asked.release()
        self.clock.now += self.takes
        if self.is_away:
            raise Unavailable
        super().renew(ticket)

    def heartbeat(self, ticket: Ticket) -> Heartbeat:
        return Heartbeat(self, ticket, LEASE, self.clock)

    def wait_for_beats(self, count: int) -> None:
        for _ in range(count):
            assert self.asked.acquire(timeout=30)


@pytest.fixture
def engine(database: str) -> Iterator[sa.Engine]:
    engine = connect(database)
    record_cut_off(engine, timedelta(days=1))
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: sa.Engine) -> Store:
    return Store(engine)


@pytest.fixture
def ticket(store: Store, engine: sa.Engine) -> Ticket:
    return begin(store, place(engine, Payer(member_id=make_member(engine)))).ticket


def test_an_attempt_that_works_keeps_its_lease(
    store: Store, engine: sa.Engine, ticket: Ticket
) -> None:
    opened = row(engine, tables.attempt, ticket.job_id)["leased_until"]
    with store.heartbeat(ticket) as heartbeat:
        first = row(engine, tables.attempt, ticket.job_id)["leased_until"]
        store.wait_for_beats(3)
        second = row(engine, tables.attempt, ticket.job_id)["leased_until"]
        heartbeat.check()
    assert opened < first < second


def test_a_lost_job_is_noticed_before_the_work_begins(store: Store, ticket: Ticket) -> None:
    store.settle(ticket, Production())
    with pytest.raises(TicketLost, match="already closed"), store.heartbeat(ticket):
        pytest.fail("the work began")


def test_a_database_that_is_away_is_noticed_before_the_work_begins(
    store: Store, ticket: Ticket
) -> None:
    store.is_away = True
    with pytest.raises(Unavailable), store.heartbeat(ticket):
        pytest.fail("the work began")


def test_a_job_that_was_taken_over_is_lost_and_it_is_told_to_whom(
    store: Store, ticket: Ticket
) -> None:
    with store.heartbeat(ticket) as heartbeat:
        store.release(ticket, "later", pause=timedelta(0), most=3)
        begin(store, ticket.job_id, "run-2")
        wait_until(lambda: heartbeat.is_lost, "the heartbeat hears of it")
        with pytest.raises(TicketLost, match="attempt 2 has taken over: started, run run-2"):
            heartbeat.check()


def test_the_lease_is_counted_from_before_its_renewal_was_sent(
    store: Store, ticket: Ticket
) -> None:
    store.takes = 0.75
    with store.heartbeat(ticket) as heartbeat:
        store.is_away, store.takes = True, 0
        assert not heartbeat.is_lost
        store.clock.now += 0.25
        assert heartbeat.is_lost
        with pytest.raises(TicketLost, match="the lease could not be renewed for 1 s"):
            heartbeat.check()


def test_a_database_that_is_away_for_some_beats_does_no_harm(store: Store, ticket: Ticket) -> None:
    with store.heartbeat(ticket) as heartbeat:
        store.is_away = True
        store.wait_for_beats(3)
        store.clock.now += 0.9
        heartbeat.check()
        store.is_away = False
        store.wait_for_beats(3)
        store.clock.now += 0.9
        heartbeat.check()


def test_an_attempt_that_was_lost_once_stays_lost(store: Store, ticket: Ticket) -> None:
    with store.heartbeat(ticket) as heartbeat:
        store.is_away = True
        store.wait_for_beats(2)
        store.clock.now += 1
        assert heartbeat.is_lost
        store.is_away = False
        wait_until(lambda: not is_beating(), "it gives up")
        with pytest.raises(TicketLost, match="could not be renewed"):
            heartbeat.check()


def test_a_lease_that_the_store_counts_as_over_is_lost(
    store: Store, engine: sa.Engine, ticket: Ticket
) -> None:
    with store.heartbeat(ticket) as heartbeat:
        lapse(engine, ticket.job_id)
        wait_until(lambda: heartbeat.is_lost, "the heartbeat hears of it")
        with pytest.raises(TicketLost, match="ran out before it was renewed"):
            heartbeat.check()


def is_beating() -> bool:
    return any(thread.name == "heartbeat" for thread in threading.enumerate())
