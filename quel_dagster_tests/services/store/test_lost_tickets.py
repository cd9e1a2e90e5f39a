"""A worker that wakes up late can do no harm: without the current ticket nothing is written."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from quel_dagster.model.errors import TicketLost
from quel_dagster.model.job import Job, Production
from quel_dagster.model.status import JobStatus
from quel_dagster.services import tables
from quel_dagster.services.store import JobStore
from quel_dagster_tests.services.store.jobs import (
    begin,
    change,
    everything,
    expire,
    lapse,
    picture,
    planned,
    reserve,
    specs,
)

Write = Callable[[JobStore, Job], object]
WRITES: dict[str, Write] = {
    "renew": lambda store, job: store.renew(job.ticket),
    "plan": lambda store, job: store.plan(job.ticket, specs(5)),
    "submit": lambda store, job: store.submit(
        job.ticket, specs(1)[0], 1, uuid4(), "http://127.0.0.1"
    ),
    "give_up": lambda store, job: store.give_up(job.ticket, 0, "too dark"),
    "deliver": lambda store, job: store.deliver(job, picture(job, 0)),
    "settle": lambda store, job: store.settle(job.ticket, Production(cancelled=True)),
    "release": lambda store, job: store.release(job.ticket, "again", pause=timedelta(0), most=9),
}


def taken_over(store: JobStore, engine: sa.Engine, job: Job) -> str:
    make_wait(engine, job)
    begin(store, job.id, "run-2")
    return "attempt 2 has taken over: started, run run-2"


def reserved_for_another(store: JobStore, engine: sa.Engine, job: Job) -> str:
    make_wait(engine, job)
    reserve(store, job.id)
    return "attempt 2 has taken over: reserved, run not begun"


def settled(store: JobStore, engine: sa.Engine, job: Job) -> str:
    store.settle(job.ticket, Production())
    return r"this attempt is already closed \(run run-1\)"


def released(store: JobStore, engine: sa.Engine, job: Job) -> str:
    store.release(job.ticket, "later", pause=timedelta(0), most=3)
    return r"this attempt is already waiting \(run run-1\)"


def closed_by_the_front_end(store: JobStore, engine: sa.Engine, job: Job) -> str:
    change(engine, tables.job, job.id, job_status=JobStatus.USER_CANCELLED)
    return "the job is user_cancelled by now"


def deleted(store: JobStore, engine: sa.Engine, job: Job) -> str:
    with engine.begin() as tx:
        tx.execute(sa.delete(tables.photo))
    return "the job or its reservation is gone"


def make_wait(engine: sa.Engine, job: Job) -> None:
    """As if the worker had been killed and its job been put back."""
    expire(engine, job.id)
    change(engine, tables.job, job.id, job_status=JobStatus.PENDING)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize(
    "lose",
    [taken_over, reserved_for_another, settled, released, closed_by_the_front_end, deleted],
)
def test_a_lost_ticket_writes_nothing(
    store: JobStore,
    engine: sa.Engine,
    lose: Callable[[JobStore, sa.Engine, Job], str],
    write: Write,
) -> None:
    job = planned(store, engine, pictures=2)
    why = lose(store, engine, job)
    before = everything(engine)
    with pytest.raises(TicketLost, match=why):
        write(store, job)
    assert everything(engine) == before


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_reservation_is_no_right_to_write(
    store: JobStore, engine: sa.Engine, write: Write
) -> None:
    job = planned(store, engine)
    make_wait(engine, job)
    ticket = reserve(store, job.id)
    with pytest.raises(TicketLost, match="only reserved"):
        write(store, replace(job, ticket=ticket))


@pytest.mark.parametrize("name", sorted(WRITES.keys() - {"renew"}))
def test_the_current_ticket_writes_even_when_its_lease_ran_out(
    store: JobStore, engine: sa.Engine, name: str
) -> None:
    job = planned(store, engine)
    expire(engine, job.id)
    before = everything(engine)
    WRITES[name](store, job)
    assert everything(engine) != before


def test_an_attempt_whose_lease_ran_out_does_not_come_to_life_again(
    store: JobStore, engine: sa.Engine
) -> None:
    job = planned(store, engine)
    lapse(engine, job.id)
    before = everything(engine)
    with pytest.raises(TicketLost, match="the lease ran out before it was renewed"):
        store.renew(job.ticket)
    assert everything(engine) == before
