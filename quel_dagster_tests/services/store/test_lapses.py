"""Attempts found dead from outside, and attempts handed back: each verb once, and many at once."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
import sqlalchemy as sa

from quel_dagster.model.errors import TicketLost
from quel_dagster.model.job import Outcome, Payer, Production, Ticket
from quel_dagster.model.status import JobStatus, Phase, PhotoStatus
from quel_dagster.services import tables
from quel_dagster.services.lapses import Holder
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import make_member, place
from quel_dagster_tests.services.store.jobs import (
    at_once,
    begin,
    change,
    deliver,
    everything,
    expire,
    lapse,
    planned,
    reserve,
    row,
)

PAUSE = timedelta(minutes=5)


def reserved(store: JobStore, engine: sa.Engine) -> Ticket:
    return reserve(store, place(engine, Payer(member_id=make_member(engine))))


def crash(store: JobStore, ticket: Ticket, most: int = 3) -> Outcome | None:
    return store.crash(ticket, "it was killed", pause=PAUSE, most=most)


def test_holders_are_those_with_a_lease_the_most_overdue_first(
    store: JobStore, engine: sa.Engine
) -> None:
    living, overdue, settled, released = (planned(store, engine) for _ in range(4))
    store.settle(settled.ticket, Production())
    store.release(released.ticket, "later", pause=PAUSE, most=3)
    waiting = reserved(store, engine)
    lapse(engine, waiting.job_id)
    expire(engine, overdue.id)
    first, second, third = store.holders(10)
    assert [first.ticket, second.ticket, third.ticket] == [overdue.ticket, waiting, living.ticket]
    assert [first.has_lapsed, second.has_lapsed, third.has_lapsed] == [True, True, False]
    assert second == Holder(
        ticket=waiting, path="fashion", phase=Phase.RESERVED, run_id=None, has_lapsed=True
    )
    assert (first.phase, first.run_id) == (Phase.STARTED, "run-1")
    assert store.holders(1) == [first]


def test_holders_are_read_by_their_own_index(store: JobStore, engine: sa.Engine) -> None:
    reserved(store, engine)
    with engine.connect() as connection:
        connection.execute(sa.text("SET enable_seqscan = off"))
        query = "SELECT * FROM quel.attempt WHERE phase IN ('reserved', 'started')"
        plan = connection.scalars(sa.text(f"EXPLAIN {query} ORDER BY leased_until LIMIT 9")).all()
    assert "attempt_living" in " ".join(plan)


def test_a_crashed_attempt_is_counted_and_its_job_waits_for_the_next(
    store: JobStore, engine: sa.Engine
) -> None:
    job = planned(store, engine, pictures=2)
    deliver(store, job, 0)
    lapse(engine, job.id)
    outcome = crash(store, job.ticket)
    assert outcome == Outcome(
        status=JobStatus.PENDING, delivered=1, failed=0, message="it was killed"
    )
    shown, attempt = row(engine, tables.job, job.id), row(engine, tables.attempt, job.id)
    assert (shown["job_status"], shown["retry_count"]) == (JobStatus.PENDING, 1)
    assert (shown["error_message"], shown["completed_at"]) == ("it was killed", None)
    assert (attempt["phase"], attempt["attempt"], attempt["crash_count"]) == ("waiting", 1, 1)
    assert attempt["next_try_at"] > attempt["updated_at"] + PAUSE / 2
    with pytest.raises(TicketLost, match="this attempt is already waiting"):
        store.renew(job.ticket)


@pytest.mark.parametrize(
    ("numbers", "status"), [((), JobStatus.FAILED), ((1,), JobStatus.COMPLETED)]
)
def test_the_last_crash_closes_the_job_by_what_was_delivered(
    store: JobStore, engine: sa.Engine, numbers: tuple[int, ...], status: JobStatus
) -> None:
    job = planned(store, engine, pictures=2)
    deliver(store, job, *numbers)
    lapse(engine, job.id)
    crash(store, job.ticket, most=1)
    shown = row(engine, tables.job, job.id)
    assert (shown["job_status"], shown["failed_images"]) == (status, 2 - len(numbers))
    assert shown["error_message"] == "it was killed (attempt 1 of 1)"
    assert shown["completed_at"] is not None
    assert row(engine, tables.attempt, job.id)["phase"] == "closed"


def test_a_lapsed_reservation_may_be_extended(store: JobStore, engine: sa.Engine) -> None:
    ticket = reserved(store, engine)
    lapse(engine, ticket.job_id)
    assert store.extend(ticket)
    attempt = row(engine, tables.attempt, ticket.job_id)
    assert attempt["leased_until"] > attempt["updated_at"]
    assert not store.extend(ticket)
    assert store.open(ticket, "run-1").ticket == ticket


def test_a_freed_reservation_costs_no_attempt_and_its_ticket_is_void(
    store: JobStore, engine: sa.Engine
) -> None:
    ticket = reserved(store, engine)
    lapse(engine, ticket.job_id)
    assert store.free(ticket)
    assert row(engine, tables.attempt, ticket.job_id)["phase"] == "waiting"
    with pytest.raises(TicketLost, match="already waiting"):
        store.open(ticket, "run-1")
    again = reserve(store, ticket.job_id)
    assert (again.attempt, row(engine, tables.attempt, ticket.job_id)["crash_count"]) == (1, 0)
    assert again.claim_id != ticket.claim_id


def test_a_job_handed_back_costs_no_attempt_and_is_let_in_at_once(
    store: JobStore, engine: sa.Engine
) -> None:
    job = planned(store, engine, pictures=2)
    deliver(store, job, 0)
    store.release(job.ticket, "no server", pause=timedelta(0), most=3)
    second = begin(store, job.id, "run-2")
    outcome = store.hand_back(second.ticket, "it was told to stop")
    shown, attempt = row(engine, tables.job, job.id), row(engine, tables.attempt, job.id)
    assert (outcome.status, outcome.delivered) == (JobStatus.PENDING, 1)
    assert (shown["retry_count"], shown["error_message"]) == (1, "it was told to stop")
    assert (attempt["attempt"], attempt["crash_count"]) == (1, 0)
    assert begin(store, job.id, "run-3").ticket.attempt == 2
    assert row(engine, tables.job, job.id)["retry_count"] == 1


@pytest.mark.parametrize("started", [False, True])
def test_a_job_that_is_called_off_keeps_what_was_delivered(
    store: JobStore, engine: sa.Engine, started: bool
) -> None:
    job = planned(store, engine, pictures=2)
    deliver(store, job, 0)
    ticket = job.ticket
    if not started:
        store.release(ticket, "later", pause=timedelta(0), most=3)
        ticket = reserve(store, job.id)
    outcome = store.call_off(ticket, "its run was terminated")
    assert outcome is not None
    assert (outcome.status, outcome.delivered) == (JobStatus.USER_CANCELLED, 1)
    shown = row(engine, tables.job, job.id)
    assert (shown["completed_images"], shown["error_message"]) == (1, "its run was terminated")
    photo = row(engine, tables.photo, job.production_id)
    assert photo["production_status"] is PhotoStatus.USER_CANCELLED


VERBS: dict[str, Callable[[JobStore, Ticket], object]] = {
    "extend": lambda store, ticket: store.extend(ticket),
    "free": lambda store, ticket: store.free(ticket),
    "crash": crash,
    "call off": lambda store, ticket: store.call_off(ticket, "terminated"),
}


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
@pytest.mark.parametrize("lose", ["settled", "released", "another ticket", "deleted"])
def test_an_attempt_that_holds_nothing_is_left_alone(
    store: JobStore, engine: sa.Engine, verb: Callable[[JobStore, Ticket], object], lose: str
) -> None:
    job = planned(store, engine)
    ticket = job.ticket
    match lose:
        case "settled":
            store.settle(ticket, Production())
        case "released":
            store.release(ticket, "later", pause=timedelta(0), most=3)
        case "another ticket":
            lapse(engine, job.id)
            ticket = Ticket(job_id=job.id, claim_id=uuid4())
        case _:
            with engine.begin() as tx:
                tx.execute(sa.delete(tables.photo))
    before = everything(engine)
    assert not verb(store, ticket)
    assert everything(engine) == before


@pytest.mark.parametrize("verb", ["extend", "free", "crash"])
@pytest.mark.parametrize("started", [False, True])
def test_a_sign_of_life_saves_an_attempt(
    store: JobStore, engine: sa.Engine, verb: str, started: bool
) -> None:
    ticket = planned(store, engine).ticket if started else reserved(store, engine)
    before = everything(engine)
    assert not VERBS[verb](store, ticket)
    assert everything(engine) == before


@pytest.mark.parametrize("status", [JobStatus.USER_CANCELLED, JobStatus.PENDING])
@pytest.mark.parametrize("started", [False, True])
def test_a_row_that_another_hand_changed_is_not_changed_back(
    store: JobStore, engine: sa.Engine, status: JobStatus, started: bool
) -> None:
    ticket = planned(store, engine).ticket if started else reserved(store, engine)
    change(engine, tables.job, ticket.job_id, job_status=status)
    lapse(engine, ticket.job_id)
    shown = row(engine, tables.job, ticket.job_id)
    (crash if started else VERBS["free"])(store, ticket)
    assert row(engine, tables.job, ticket.job_id) == shown
    phase = "waiting" if status is JobStatus.PENDING else "closed"
    assert row(engine, tables.attempt, ticket.job_id)["phase"] == phase


def test_of_many_sweepers_at_once_one_does_it(store: JobStore, engine: sa.Engine) -> None:
    job, ticket = planned(store, engine), reserved(store, engine)
    lapse(engine, job.id)
    lapse(engine, ticket.job_id)
    answers = at_once([partial(crash, store, job.ticket) for _ in range(8)])
    assert len([answer for answer in answers if answer is not None]) == 1
    assert row(engine, tables.attempt, job.id)["crash_count"] == 1
    freed = at_once([partial(store.free, ticket) for _ in range(8)])
    assert sorted(map(bool, freed)) == [False] * 7 + [True]
    assert row(engine, tables.attempt, ticket.job_id)["attempt"] == 0
