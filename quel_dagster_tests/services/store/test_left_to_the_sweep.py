"""What the front door leaves to the sweep, and what the sweep may end besides: runs and renders."""

from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from quel_dagster.model.job import Payer, Production, Ticket
from quel_dagster.services import tables
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import make_member, place
from quel_dagster_tests.services.store.jobs import (
    LEASE,
    ROOM,
    begin,
    change,
    lapse,
    planned,
    reserve,
    specs,
)

LONG_AGO = timedelta(minutes=5)
A_LEASE_AND_MORE = LEASE + timedelta(seconds=1)


@pytest.fixture
def payer(engine: sa.Engine) -> Payer:
    return Payer(member_id=make_member(engine))


def test_a_lapsed_reservation_is_the_sweeps_for_another_lease(
    store: JobStore, engine: sa.Engine, payer: Payer
) -> None:
    job_id, other = place(engine, payer, age=LONG_AGO), place(engine, payer)
    reserve(store, job_id)
    lapse(engine, job_id, LEASE / 2)
    assert store.look([], timedelta(seconds=30), 50) == []
    assert store.reserve("fashion", [(job_id, None)], ROOM) == []
    assert not store.refuse(job_id, "three attempts began")
    assert store.reserve("fashion", [(other, None)], 1) == []
    lapse(engine, job_id, A_LEASE_AND_MORE)
    assert [seen.job_id for seen in store.look([], timedelta(seconds=30), 50)] == [job_id]
    assert len(store.reserve("fashion", [(job_id, None)], 1)) == 1


def test_a_lapsed_attempt_that_had_begun_takes_no_room(
    store: JobStore, engine: sa.Engine, payer: Payer
) -> None:
    dead = begin(store, place(engine, payer))
    other = place(engine, payer)
    assert store.reserve("fashion", [(other, None)], 1) == []
    lapse(engine, dead.id)
    assert len(store.reserve("fashion", [(other, None)], 1)) == 1


def age(engine: sa.Engine, ticket: Ticket, span: timedelta) -> None:
    """Lets everything that an attempt did have happened so long ago."""
    moment = sa.func.clock_timestamp() - span
    change(engine, tables.attempt, ticket.job_id, reserved_at=moment, updated_at=moment)


@pytest.mark.parametrize("end", ["settle", "release"])
def test_an_attempt_is_over_for_good_a_lease_after_its_end(
    store: JobStore, engine: sa.Engine, end: str
) -> None:
    ticket, living = planned(store, engine).ticket, planned(store, engine).ticket
    age(engine, living, A_LEASE_AND_MORE)
    if end == "settle":
        store.settle(ticket, Production())
    else:
        store.release(ticket, "later", pause=timedelta(0), most=3)
    assert list(store.over({ticket, living})) == []
    age(engine, ticket, A_LEASE_AND_MORE)
    assert list(store.over({ticket, living})) == [ticket]


def test_an_attempt_is_over_a_lease_after_another_took_its_place(
    store: JobStore, engine: sa.Engine, payer: Payer
) -> None:
    old = reserve(store, place(engine, payer))
    lapse(engine, old.job_id)
    store.free(old)
    new = reserve(store, old.job_id)
    assert list(store.over([old, new])) == []
    age(engine, new, A_LEASE_AND_MORE)
    store.extend(new)
    assert list(store.over([old, new])) == [old]


def test_an_attempt_at_a_job_that_is_gone_is_over(store: JobStore) -> None:
    gone = Ticket(job_id=uuid4(), claim_id=uuid4())
    assert list(store.over([gone])) == [gone]
    assert list(store.over([])) == []


def test_only_a_closed_job_forsakes_its_renders(store: JobStore, engine: sa.Engine) -> None:
    job = planned(store, engine, pictures=2)
    prompt, url = uuid4(), "http://127.0.0.1:8188"
    store.submit(job.ticket, specs(2)[1], 0, prompt, url)
    assert store.forsaken(job.id) == []
    store.hand_back(job.ticket, "it was told to stop")
    assert store.forsaken(job.id) == []
    ticket = reserve(store, job.id)
    store.call_off(ticket, "its run was terminated")
    assert store.forsaken(job.id) == [(prompt, url)]
