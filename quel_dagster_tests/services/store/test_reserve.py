"""Letting jobs in on a path: who, how many, and with which ticket."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from quel_dagster.model.job import Payer, Production, Reservation
from quel_dagster.model.status import JobStatus
from quel_dagster.services import tables
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import make_member, place
from quel_dagster_tests.services.store.jobs import (
    A_MOMENT,
    LEASE,
    ROOM,
    begin,
    change,
    everything,
    expire,
    reserve,
    row,
)


@pytest.fixture
def payer(engine: sa.Engine) -> Payer:
    return Payer(member_id=make_member(engine))


def queue(engine: sa.Engine, payer: Payer, count: int) -> list[UUID]:
    """Waiting jobs, the oldest first."""
    return [place(engine, payer, age=timedelta(seconds=600 - n)) for n in range(count)]


def let_in(store: JobStore, job_ids: list[UUID], limit: int, path: str = "fashion") -> list[UUID]:
    candidates = [(job_id, None) for job_id in job_ids]
    return [found.ticket.job_id for found in store.reserve(path, candidates, limit)]


def test_a_reservation_carries_what_its_run_needs(
    store: JobStore, engine: sa.Engine, payer: Payer
) -> None:
    job_id = place(engine, payer, path=None, job_type="simple_portrait")
    (reservation,) = store.reserve("fashion", [(job_id, "none")], 1)
    noted = row(engine, tables.attempt, job_id)
    assert reservation == Reservation(
        ticket=reservation.ticket,
        path="fashion",
        requested_path="none",
        production_id=row(engine, tables.job, job_id)["production_id"],
        member_id=payer.member_id,
        job_type="simple_portrait",
    )
    assert (reservation.ticket.job_id, reservation.ticket.attempt) == (job_id, 1)
    assert (noted["claim_id"], noted["phase"]) == (reservation.ticket.claim_id, "reserved")
    assert (noted["path"], noted["requested_path"]) == ("fashion", "none")
    assert noted["leased_until"] - noted["reserved_at"] == pytest.approx(LEASE, abs=A_MOMENT)


def test_the_oldest_come_first_in_whatever_order_they_are_named(
    store: JobStore, engine: sa.Engine, payer: Payer
) -> None:
    youngest, third, second, oldest = (
        place(engine, payer, path=path, age=timedelta(minutes=age))
        for age, path in enumerate(("beauty", None, "fashion", "sports"))
    )
    assert let_in(store, [third, oldest, youngest, second], 3) == [oldest, second, third]


def test_the_limit_counts_who_is_alive(store: JobStore, engine: sa.Engine, payer: Payer) -> None:
    first, second, third, fourth, fifth = waiting = queue(engine, payer, 5)
    assert let_in(store, waiting, 2) == [first, second]
    assert let_in(store, waiting, 2) == []
    expire(engine, first)
    assert let_in(store, [third, fourth], 2) == [third]
    assert let_in(store, [fourth], 0) == []
    assert let_in(store, [fourth, fifth], 3) == [fourth]


@pytest.mark.parametrize("end", ["settle", "release"])
def test_an_attempt_takes_room_until_it_ends(
    store: JobStore, engine: sa.Engine, payer: Payer, end: str
) -> None:
    first, second = queue(engine, payer, 2)
    held = begin(store, first)
    assert let_in(store, [second], 1) == []
    if end == "settle":
        store.settle(held.ticket, Production())
    else:
        store.release(held.ticket, "later", pause=timedelta(hours=1), most=3)
    assert let_in(store, [first, second], 1) == [second]


def test_paths_do_not_take_each_others_room(
    store: JobStore, engine: sa.Engine, payer: Payer
) -> None:
    first, second = queue(engine, payer, 2)
    assert let_in(store, [first], 1, "fashion") == [first]
    assert let_in(store, [second], 1, "beauty") == [second]


def test_an_expired_reservation_is_given_again_with_a_new_ticket(
    store: JobStore, engine: sa.Engine, payer: Payer
) -> None:
    job_id = place(engine, payer)
    first = reserve(store, job_id)
    assert let_in(store, [job_id], ROOM) == []
    expire(engine, job_id)
    second = reserve(store, job_id, "beauty")
    assert (first.attempt, second.attempt) == (1, 2)
    assert first.claim_id != second.claim_id
    assert row(engine, tables.attempt, job_id)["path"] == "beauty"


def test_attempts_rise_when_a_job_is_let_in(
    store: JobStore, engine: sa.Engine, payer: Payer
) -> None:
    job_id = place(engine, payer)
    for attempt in 1, 2, 3:
        assert reserve(store, job_id).attempt == attempt
        (seen,) = store.look([job_id], timedelta(0), 1)
        assert seen.attempts == attempt
        expire(engine, job_id)


def test_a_paused_job_is_let_in_after_its_pause_and_no_sooner(
    store: JobStore, engine: sa.Engine, payer: Payer
) -> None:
    job_id = place(engine, payer)
    store.release(begin(store, job_id).ticket, "later", pause=timedelta(hours=1), most=3)
    assert let_in(store, [job_id], ROOM) == []
    change(engine, tables.attempt, job_id, next_try_at=sa.func.clock_timestamp())
    assert reserve(store, job_id).attempt == 2


def test_a_job_from_before_the_cut_off_is_not_let_in(
    store: JobStore, engine: sa.Engine, payer: Payer
) -> None:
    assert let_in(store, [place(engine, payer, age=timedelta(days=1, minutes=1))], ROOM) == []


@pytest.mark.parametrize("status", [*(status for status in JobStatus if status != "pending"), None])
def test_a_job_that_does_not_wait_is_not_let_in(
    store: JobStore, engine: sa.Engine, payer: Payer, status: JobStatus | None
) -> None:
    job_id = place(engine, payer)
    change(engine, tables.job, job_id, job_status=status)
    before = everything(engine)
    assert let_in(store, [job_id], ROOM) == []
    assert everything(engine) == before


def test_a_job_named_twice_and_a_job_that_is_unknown_are_harmless(
    store: JobStore, engine: sa.Engine, payer: Payer
) -> None:
    job_id = place(engine, payer)
    assert let_in(store, [job_id, uuid4(), job_id], ROOM) == [job_id]
    assert let_in(store, [uuid4()], ROOM) == []
    assert let_in(store, [], ROOM) == []


def test_a_job_that_somebody_works_on_is_passed_over_without_waiting(
    store: JobStore, engine: sa.Engine, payer: Payer
) -> None:
    busy, free = queue(engine, payer, 2)
    with engine.begin() as other:
        this = tables.job.c.job_id == busy
        other.execute(sa.select(tables.job).where(this).with_for_update())
        assert let_in(store, [busy, free], 1) == [free]


def test_an_attempt_that_comes_back_to_life_meanwhile_keeps_its_job(
    store: JobStore, engine: sa.Engine, payer: Payer
) -> None:
    job_id = place(engine, payer)
    ticket = reserve(store, job_id)
    expire(engine, job_id)
    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as other:
            lease = sa.func.clock_timestamp() + timedelta(minutes=1)
            other.execute(sa.update(tables.attempt).values(leased_until=lease))
            second = pool.submit(let_in, store, [job_id], ROOM)
            wait_for_a_waiter(engine)
        assert second.result(timeout=30) == []
    assert row(engine, tables.attempt, job_id)["claim_id"] == ticket.claim_id


def wait_for_a_waiter(engine: sa.Engine) -> None:
    """Returns when some transaction of this database waits for another's lock."""
    waiting = sa.text(
        "SELECT count(*), pg_sleep(0.01) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for _ in range(1000):
            if connection.execute(waiting).scalar():
                return
    pytest.fail("nobody waits for the lock")
