"""The front end's cancel flags on a real Redis: set, found among many keys, taken away."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
import redis

from quel_dagster.services import queue as queue_module
from quel_dagster.services.queue import FLAG_SECONDS, JobQueue

JOB = UUID("6d0e8f3a-52f2-4f0b-9a33-0f6a2c9b7711")


@pytest.fixture
def front_end(redis_url: str) -> Iterator[redis.Redis]:
    """The front end's own connection."""
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def queue(redis_url: str) -> Iterator[JobQueue]:
    queue = JobQueue(redis_url, names=("jobs:queue",))
    yield queue
    queue.close()


def test_every_flag_is_found_and_nothing_else(front_end: redis.Redis, queue: JobQueue) -> None:
    assert queue.flagged() == set()
    jobs = {uuid4() for _ in range(20)}
    for job_id in jobs:
        front_end.set(f"job:{job_id}:cancelled", "true", ex=3600)
    for key in ("job:x:cancelled", f"job:{JOB}:done", f"guest:{JOB}:cancelled", "job::cancelled"):
        front_end.set(key, "true")
    front_end.set(b"job:\xff:cancelled", "true")
    front_end.set(f"job:{uuid4()}:cancelled", "false")
    front_end.lpush(f"job:{uuid4()}:cancelled", "true")
    assert queue.flagged() == jobs
    assert queue.flagged() == jobs


def test_a_flag_under_an_id_that_is_spelled_otherwise_is_none_of_ours(
    front_end: redis.Redis, queue: JobQueue
) -> None:
    for text in (str(JOB).upper(), f'"{JOB}"', JOB.hex):
        front_end.set(f"job:{text}:cancelled", "true")
    assert queue.flagged() == set()


def test_a_flag_set_by_us_is_the_front_ends(front_end: redis.Redis, queue: JobQueue) -> None:
    queue.flag_cancel(JOB)
    assert front_end.get(f"job:{JOB}:cancelled") == b"true"
    assert 0 < front_end.ttl(f"job:{JOB}:cancelled") <= FLAG_SECONDS
    assert queue.is_cancelled(JOB)
    assert queue.flagged() == {JOB}
    queue.clear_cancel(JOB)
    assert queue.flagged() == set()


def test_a_look_among_many_keys_is_bounded_and_the_next_one_goes_on(
    front_end: redis.Redis, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_module, "KEYS_PER_SCAN", 50)
    monkeypatch.setattr(queue_module, "SCANS_PER_LOOK", 2)
    front_end.mset({f"guest:usage:{number}": "{}" for number in range(1000)})
    jobs = {uuid4() for _ in range(10)}
    for job_id in jobs:
        front_end.set(f"job:{job_id}:cancelled", "true", ex=3600)
    before = scans(front_end)
    looks = [queue.flagged() for _ in range(25)]
    assert scans(front_end) - before <= 50
    assert all(look < jobs for look in looks)
    assert set[UUID]().union(*looks) == jobs


def scans(client: redis.Redis) -> int:
    """How many SCANs the server has ever been asked for."""
    stats = client.info("commandstats")
    return int(stats.get("cmdstat_scan", {}).get("calls", 0))
