"""Hearing that a job is cancelled, from either place, also while one of them cannot be read."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from quel_dagster.model.errors import RenderStopped, TicketLost
from quel_dagster.model.job import Payer
from quel_dagster.pipeline.cancelling import LEFT_ALONE, Brake, CancelWish
from quel_dagster.services.database import connect
from quel_dagster.services.queue import JobQueue
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import make_member, make_store, place
from quel_dagster_tests.frail import FrailRedis, frail_redis


class Watch:
    """A heartbeat that the test stops."""

    lost = False

    def check(self) -> None:
        if self.lost:
            raise TicketLost


class Desk:
    """A wish for one job, its two sources, and a clock that stands still."""

    def __init__(self, store: JobStore, queue: JobQueue, job_id: UUID) -> None:
        self.store = store
        self.queue = queue
        self.job_id = job_id
        self.now = 0.0
        self.told: list[str] = []
        self.watch = Watch()
        self.wish = CancelWish(store, queue, job_id, self.told.append, lambda: self.now)
        self.brake = Brake(self.watch, self.wish)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[FrailRedis]:
    with frail_redis(tmp_path) as server:
        yield server


@pytest.fixture
def desk(database: str, redis: FrailRedis) -> Iterator[Desk]:
    """A running job."""
    engine = connect(database)
    store = make_store(database)
    job_id = place(engine, Payer(member_id=make_member(engine)))
    (reservation,) = store.reserve("fashion", [(job_id, None)], 1)
    store.open(reservation.ticket, "a run")
    queue = JobQueue(redis.url, names=("jobs:queue",))
    yield Desk(store, queue, job_id)
    queue.close()
    engine.dispose()


def test_nobody_has_said_anything(desk: Desk) -> None:
    assert not desk.brake.is_pulled()
    desk.brake.check()
    assert (desk.told, desk.wish.unread) == ([], "")


@pytest.mark.parametrize("source", ["store", "flag"])
def test_either_place_is_enough(desk: Desk, source: str) -> None:
    if source == "store":
        desk.store.cancel(desk.job_id)
    else:
        desk.queue.flag_cancel(desk.job_id)
    assert desk.brake.is_pulled()
    with pytest.raises(RenderStopped):
        desk.brake.check()


def test_what_was_said_once_stays_said(desk: Desk) -> None:
    desk.queue.flag_cancel(desk.job_id)
    assert desk.wish.is_uttered()
    desk.queue.clear_cancel(desk.job_id)
    assert desk.wish.is_uttered()


def test_another_jobs_flag_means_nothing(desk: Desk) -> None:
    desk.queue.flag_cancel(uuid4())
    assert not desk.wish.is_uttered()


def test_a_lost_ticket_comes_first(desk: Desk) -> None:
    desk.queue.flag_cancel(desk.job_id)
    desk.watch.lost = True
    for ask in (desk.brake.is_pulled, desk.brake.check):
        with pytest.raises(TicketLost):
            ask()


def test_a_ticket_that_is_lost_while_the_wish_is_read_is_noticed(desk: Desk) -> None:
    is_cancelled = desk.queue.is_cancelled

    def sleep_over_it(job_id: UUID) -> bool:
        desk.watch.lost = True
        return is_cancelled(job_id)

    desk.queue.is_cancelled = sleep_over_it
    desk.wish = CancelWish(desk.store, desk.queue, desk.job_id, desk.told.append)
    with pytest.raises(TicketLost):
        Brake(desk.watch, desk.wish).check()


def test_a_flag_that_cannot_be_read_is_told_once_asked_for_again_and_no_reason_to_stop(
    desk: Desk, redis: FrailRedis
) -> None:
    redis.stop()
    for _ in range(3):
        assert not desk.wish.is_uttered()
    (line,) = desk.told
    assert line.startswith("whether the job was cancelled is not known, and asked again: Redis")
    assert desk.wish.unread.startswith("Redis did not serve")


def test_the_store_is_heard_while_redis_is_down(desk: Desk, redis: FrailRedis) -> None:
    redis.stop()
    assert not desk.wish.is_uttered()
    desk.store.cancel(desk.job_id)
    assert desk.wish.is_uttered()


def test_redis_that_comes_back_is_asked_again_in_passing_after_a_while_and_for_certain_at_once(
    desk: Desk, redis: FrailRedis
) -> None:
    redis.stop()
    assert not desk.wish.is_uttered(in_passing=True)
    redis.start()
    desk.queue.flag_cancel(desk.job_id)
    desk.now = LEFT_ALONE - 0.1
    assert not desk.wish.is_uttered(in_passing=True)
    desk.now = LEFT_ALONE
    assert desk.wish.is_uttered(in_passing=True)
    assert desk.told[1:] == ["whether the job was cancelled can be read again"]
    assert desk.wish.unread == ""
