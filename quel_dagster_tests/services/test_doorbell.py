"""The doorbell of a process that stays at the door: rings, room, and jobs that stay with it."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from quel_dagster.model.errors import Unavailable
from quel_dagster.services.doorbell import KEPT, Doorbell
from quel_dagster.services.queue import JobQueue
from quel_dagster_tests.frail import frail_redis

NAMES = ("quel_jobs_queue", "jobs:queue")
AT_ONCE = timedelta(milliseconds=10)
LONG = timedelta(seconds=8)


@pytest.fixture
def queue(redis_url: str) -> Iterator[JobQueue]:
    """What the front end and the runs use."""
    queue = JobQueue(redis_url, names=NAMES)
    yield queue
    queue.close()


@pytest.fixture
def doorbell(redis_url: str) -> Iterator[Doorbell]:
    doorbell = Doorbell(redis_url, names=NAMES)
    yield doorbell
    doorbell.close()


def job_ids(number: int) -> list[UUID]:
    return [uuid4() for _ in range(number)]


def heard(doorbell: Doorbell, wait: timedelta = AT_ONCE) -> list[UUID]:
    return list(doorbell.drain(200, wait).job_ids)


def rung(queue: JobQueue) -> int:
    return sum(queue.lengths().values())


def seconds_of(doorbell: Doorbell, event: threading.Thread) -> float:
    """How long it waits, with something that happens meanwhile."""
    began = time.monotonic()
    event.start()
    heard(doorbell, LONG)
    event.join()
    return time.monotonic() - began


def test_a_ring_ends_the_wait(doorbell: Doorbell, queue: JobQueue) -> None:
    assert seconds_of(doorbell, threading.Timer(0.05, queue.ring, [uuid4()])) < 4


def test_room_ends_the_wait(doorbell: Doorbell, queue: JobQueue) -> None:
    assert seconds_of(doorbell, threading.Timer(0.05, queue.tell_of_room)) < 4


def test_room_is_told_once_however_many_runs_have_ended(
    doorbell: Doorbell, queue: JobQueue
) -> None:
    for _ in range(3):
        queue.tell_of_room()
    began = time.monotonic()
    assert heard(doorbell, LONG) == []
    assert time.monotonic() - began < 4
    began = time.monotonic()
    assert heard(doorbell, timedelta(milliseconds=300)) == []
    assert time.monotonic() - began > 0.25


def test_room_is_no_ring_of_an_unknown_job(doorbell: Doorbell, queue: JobQueue) -> None:
    job_id = uuid4()
    queue.tell_of_room()
    queue.ring(job_id)
    rings = [doorbell.drain(200, AT_ONCE) for _ in range(2)]
    assert [found for ring in rings for found in ring.job_ids] == [job_id]
    assert not any(ring.unreadable for ring in rings)


def test_a_job_without_room_stays_at_the_door_and_off_the_list(
    doorbell: Doorbell, queue: JobQueue
) -> None:
    first, second = job_ids(2)
    doorbell.ring(first)
    assert rung(queue) == 0
    queue.ring(second)
    assert heard(doorbell) == [first, second]
    assert heard(doorbell) == []


def test_a_job_that_stays_wakes_nobody(doorbell: Doorbell) -> None:
    doorbell.ring(uuid4())
    began = time.monotonic()
    assert heard(doorbell, timedelta(milliseconds=300))
    assert time.monotonic() - began > 0.25


def test_those_beyond_go_back_on_the_list_and_wait_for_room_there(
    doorbell: Doorbell, queue: JobQueue
) -> None:
    waiting = job_ids(KEPT + 1)
    for job_id in waiting:
        doorbell.ring(job_id)
    assert rung(queue) == 1
    began = time.monotonic()
    assert heard(doorbell, timedelta(milliseconds=300)) == waiting
    assert time.monotonic() - began > 0.25  # no busy loop between it and the list


def test_what_was_heard_for_nothing_is_heard_again(doorbell: Doorbell, queue: JobQueue) -> None:
    job_id = uuid4()
    queue.ring(job_id)
    assert heard(doorbell) == [job_id]
    doorbell.keep()
    assert heard(doorbell) == [job_id]


def test_who_leaves_hands_back_what_stayed(doorbell: Doorbell, queue: JobQueue) -> None:
    waiting = job_ids(3)
    for job_id in waiting:
        doorbell.ring(job_id)
    doorbell.hand_back()
    assert list(queue.drain(200, AT_ONCE).job_ids) == waiting
    assert heard(doorbell) == []


def test_flags_are_looked_for_once_a_second(redis_url: str, queue: JobQueue) -> None:
    now = [0.0]
    doorbell = Doorbell(redis_url, names=NAMES, clock=lambda: now[0])
    job_id = uuid4()
    queue.flag_cancel(job_id)
    found: list[set[UUID]] = []
    for moment in (0.0, 0.5, 1.5):
        now[0] = moment
        found.append(doorbell.flagged())
    doorbell.close()
    assert found == [{job_id}, set(), {job_id}]


def test_it_tells_that_redis_is_away_until_it_is_back(tmp_path: Path) -> None:
    with frail_redis(tmp_path) as server:
        doorbell = Doorbell(server.url, names=NAMES)
        server.stop()
        with pytest.raises(Unavailable, match="QUEL_REDIS_URL"):
            heard(doorbell)
        assert doorbell.trouble
        server.start()
        heard(doorbell)
        assert doorbell.trouble is None
        doorbell.close()
