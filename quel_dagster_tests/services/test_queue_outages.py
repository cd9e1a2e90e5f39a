"""What is said when the doorbell is broken, and that it is used again when it is not."""

import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest
import redis

from quel_dagster.demo.parts import reserved_port
from quel_dagster.model.errors import ConfigurationError, Unavailable
from quel_dagster.model.settings import RedisSettings
from quel_dagster.services import queue as queue_module
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


def test_the_longest_wait_an_operator_may_set_is_no_dead_connection() -> None:
    longest = RedisSettings.model_validate({"timeout": "8s"}).timeout
    assert longest.total_seconds() < queue_module.READ_TIMEOUT


VERBS: list[Callable[[JobQueue], object]] = [
    lambda queue: queue.drain(10, NO_WAIT),
    lambda queue: queue.drain(10, A_MOMENT),
    lambda queue: queue.ring(JOB),
    lambda queue: queue.is_cancelled(JOB),
    lambda queue: queue.clear_cancel(JOB),
]


@pytest.mark.parametrize("verb", VERBS)
def test_a_redis_that_is_down_is_unavailable_and_its_password_stays_unsaid(
    verb: Callable[[JobQueue], object],
) -> None:
    with reserved_port() as port:
        queue = JobQueue(f"redis://:secret@127.0.0.1:{port}", names=NAMES)
        with pytest.raises(Unavailable, match="check QUEL_REDIS_URL") as error:
            verb(queue)
    assert f"127.0.0.1:{port}" in str(error.value)
    assert "secret" not in str(error.value)


def test_a_redis_that_never_answers_is_unavailable_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queue_module, "READ_TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        queue = JobQueue(f"redis://127.0.0.1:{mute.getsockname()[1]}", names=NAMES)
        with pytest.raises(Unavailable, match="check QUEL_REDIS_URL"):
            queue.drain(10, A_MOMENT)
        queue.close()


def test_a_redis_that_refuses_the_password_is_unavailable(redis_url: str) -> None:
    queue = JobQueue(redis_url.replace("//", "//nobody:secret@"), names=NAMES)
    with pytest.raises(Unavailable, match="invalid username-password") as error:
        queue.drain(10, NO_WAIT)
    assert "secret" not in str(error.value)
    queue.close()


def test_a_key_that_is_no_list_is_unavailable_like_a_bell_out_of_order(
    front_end: redis.Redis, queue: JobQueue
) -> None:
    front_end.set("quel_jobs_queue", "not a list")
    with pytest.raises(Unavailable, match="WRONGTYPE"):
        queue.drain(10, NO_WAIT)


def test_a_redis_that_comes_back_is_used_again(front_end: redis.Redis, queue: JobQueue) -> None:
    assert queue.drain(10, NO_WAIT) == Ring()
    front_end.client_kill_filter(_type="normal", skipme=True)
    front_end.lpush("jobs:queue", str(JOB))
    assert queue.drain(10, NO_WAIT) == Ring(job_ids=(JOB,))


@pytest.mark.parametrize("url", ["", "cache:6379", "http://:secret@cache", "redis://:secret@h:x"])
def test_an_address_that_is_none_is_refused_without_repeating_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError, match="expected redis://") as refused:
        JobQueue(url, names=NAMES)
    assert "secret" not in str(refused.value)
