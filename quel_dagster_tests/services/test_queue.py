"""The doorbell on a real Redis: what is heard, and in which order."""

import json
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import redis

from quel_dagster.services.queue import JobQueue, Ring

NAMES = ("quel_jobs_queue", "jobs:queue")
JOB = UUID("6d0e8f3a-52f2-4f0b-9a33-0f6a2c9b7711")
NO_WAIT = timedelta(0)
A_MOMENT = timedelta(milliseconds=20)


@pytest.fixture
def front_end(redis_url: str) -> Iterator[redis.Redis]:
    """The front end's own connection."""
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def queue(redis_url: str) -> Iterator[JobQueue]:
    queue = JobQueue(redis_url, names=NAMES)
    yield queue
    queue.close()


def test_jobs_are_heard_in_the_order_they_were_pushed(
    front_end: redis.Redis, queue: JobQueue
) -> None:
    jobs = tuple(uuid4() for _ in range(5))
    for job_id in jobs:
        front_end.lpush("jobs:queue", str(job_id))
    assert queue.drain(10, NO_WAIT) == Ring(job_ids=jobs)
    assert queue.drain(10, NO_WAIT) == Ring()


def test_several_ids_in_one_push_keep_their_order(front_end: redis.Redis, queue: JobQueue) -> None:
    jobs = tuple(uuid4() for _ in range(3))
    front_end.lpush("quel_jobs_queue", *map(str, jobs))
    assert queue.drain(10, NO_WAIT).job_ids == jobs


def test_every_list_is_heard(front_end: redis.Redis, queue: JobQueue) -> None:
    ours, theirs = uuid4(), uuid4()
    front_end.lpush("jobs:queue", str(theirs))
    front_end.lpush("quel_jobs_queue", str(ours))
    assert queue.drain(10, NO_WAIT).job_ids == (ours, theirs)


def test_another_systems_list_is_left_alone(front_end: redis.Redis, queue: JobQueue) -> None:
    front_end.lpush("jobs:video", str(JOB))
    assert queue.drain(10, NO_WAIT) == Ring()
    assert front_end.llen("jobs:video") == 1


@pytest.mark.parametrize(
    "payload",
    [
        str(JOB),
        str(JOB).upper(),
        JOB.hex,
        f'"{JOB}"',
        f"'{JOB}'",
        f"  {JOB}\r\n",
        f' "{JOB}" ',
        json.dumps({"job_id": str(JOB)}),
        json.dumps({"user": 1, "job_id": f" {JOB} "}, indent=1),
    ],
)
def test_every_spelling_of_a_job_id_is_understood(
    front_end: redis.Redis, queue: JobQueue, payload: str
) -> None:
    front_end.lpush("jobs:queue", payload)
    assert queue.drain(10, NO_WAIT) == Ring(job_ids=(JOB,))


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        ("", ""),
        ("  ", "  "),
        ("not an id", "not an id"),
        (f"{JOB}0", f"{JOB}0"),
        (f"{JOB} {JOB}", f"{JOB} {JOB}"),
        (json.dumps([str(JOB)]), json.dumps([str(JOB)])),
        ("{}", "{}"),
        ('{"job_id": null}', '{"job_id": null}'),
        ('{"job_id": 7}', '{"job_id": 7}'),
        ('{"id": "x"}', '{"id": "x"}'),
        ('{"job_id": "', '{"job_id": "'),
        (b"\xff\xfe", "��"),
        ("x" * 100_000, "x" * 200),
        ('{"a":' * 100_000, ('{"a":' * 100_000)[:200]),
    ],
)
def test_a_payload_that_is_no_job_id_is_told_and_costs_no_other(
    front_end: redis.Redis, queue: JobQueue, payload: str | bytes, shown: str
) -> None:
    earlier, later = uuid4(), uuid4()
    front_end.lpush("jobs:queue", str(earlier), payload, str(later))
    assert queue.drain(10, NO_WAIT) == Ring(job_ids=(earlier, later), unreadable=(shown,))


def test_a_job_that_was_rung_for_twice_is_heard_once(
    front_end: redis.Redis, queue: JobQueue
) -> None:
    other = uuid4()
    front_end.lpush("jobs:queue", str(JOB), str(other), f'"{JOB}"', str(JOB).upper())
    front_end.lpush("quel_jobs_queue", str(JOB))
    assert queue.drain(10, NO_WAIT).job_ids == (JOB, other)


def test_a_drain_takes_no_more_than_its_limit(front_end: redis.Redis, queue: JobQueue) -> None:
    jobs = tuple(uuid4() for _ in range(5))
    front_end.lpush("quel_jobs_queue", *map(str, jobs[:3]))
    front_end.lpush("jobs:queue", *map(str, jobs[3:]))
    assert queue.drain(2, NO_WAIT).job_ids == jobs[:2]
    assert queue.drain(2, NO_WAIT).job_ids == jobs[2:4]
    assert queue.drain(2, NO_WAIT).job_ids == jobs[4:]


def test_ringing_does_what_the_front_end_does(front_end: redis.Redis, queue: JobQueue) -> None:
    queue.ring(JOB)
    assert front_end.lrange("quel_jobs_queue", 0, -1) == [str(JOB).encode()]


@contextmanager
def once_somebody_waits(client: redis.Redis, act: Callable[[], object]) -> Generator[None]:
    """Acts, on a thread of its own, as soon as a client begins to wait on the lists."""
    with client.monitor() as monitor, ThreadPoolExecutor() as threads:

        def watch() -> None:
            next(heard for heard in monitor.listen() if heard and "BRPOP" in str(heard["command"]))
            act()

        acted = threads.submit(watch)
        yield
        acted.result()


@pytest.mark.parametrize("name", NAMES)
def test_a_drain_waits_for_the_first_ring_on_any_list(
    front_end: redis.Redis, queue: JobQueue, name: str
) -> None:
    with once_somebody_waits(front_end, lambda: front_end.lpush(name, str(JOB))):
        assert queue.drain(10, timedelta(seconds=8)) == Ring(job_ids=(JOB,))


def test_what_came_together_with_the_first_ring_is_heard_too(
    front_end: redis.Redis, queue: JobQueue
) -> None:
    jobs = tuple(uuid4() for _ in range(4))
    payloads = [*map(str, jobs), "garbage"]
    with once_somebody_waits(front_end, lambda: front_end.lpush("jobs:queue", *payloads)):
        assert queue.drain(3, timedelta(seconds=8)).job_ids == jobs[:3]
    assert queue.drain(3, NO_WAIT) == Ring(job_ids=jobs[3:], unreadable=("garbage",))


def test_a_drain_ends_empty_after_its_wait(queue: JobQueue) -> None:
    assert queue.drain(10, A_MOMENT) == Ring()


@pytest.mark.parametrize(
    ("flag", "cancelled"), [("true", True), ("false", False), ("", False), ("1", False)]
)
def test_a_job_is_cancelled_when_its_flag_says_true(
    front_end: redis.Redis, queue: JobQueue, flag: str, cancelled: bool
) -> None:
    assert not queue.is_cancelled(JOB)
    front_end.set(f"job:{JOB}:cancelled", flag, ex=3600)
    assert queue.is_cancelled(JOB) is cancelled
    assert not queue.is_cancelled(uuid4())


def test_a_cleared_flag_lets_the_same_job_run_again(
    front_end: redis.Redis, queue: JobQueue
) -> None:
    other = uuid4()
    for job_id in (JOB, other):
        front_end.set(f"job:{job_id}:cancelled", "true", ex=3600)
    queue.clear_cancel(JOB)
    assert not queue.is_cancelled(JOB)
    assert queue.is_cancelled(other)
    queue.clear_cancel(JOB)
