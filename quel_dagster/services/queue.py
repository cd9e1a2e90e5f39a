"""The doorbell: job ids that the front end pushes on Redis lists, and its flag that cancels a job.

Nothing here is the truth. A ring may be lost, doubled or early; the store decides what it means.
"""

import json
import ssl
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from quel_dagster.model.errors import ConfigurationError, Unavailable

READ_TIMEOUT = 10.0
"""Seconds of silence after which a connection counts as dead: longer than any wait for a ring."""
QUICK_TIMEOUT = 2.0
"""The same where somebody waits for the answer: a render, a customer."""
FLAG_SECONDS = 3600
"""How long the front end's flag lasts."""
KEYS_PER_SCAN = 2_000
SCANS_PER_LOOK = 25
"""Bounds of one look for flags, whatever Redis holds: 50 ms, the server busy for 3 ms at a time."""


@dataclass(frozen=True, kw_only=True)
class Ring:
    """What one tick heard: job ids in the order they were pushed, and payloads that are none.

    `repeats` counts the rings for an id beyond its first.
    """

    job_ids: tuple[UUID, ...] = ()
    unreadable: tuple[str, ...] = ()
    repeats: int = 0


class JobQueue:
    """The front end's lists. Producers push on the left (`LPUSH`), so the right end is the oldest.

    Args:
        url: `redis://` or `rediss://`; TLS certificates are verified.
        names: the lists, the first one being where `ring` pushes.

    Raises:
        ConfigurationError: the URL is none of Redis.
    """

    def __init__(self, url: str, *, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._redis = client_of(url, READ_TIMEOUT, retries=2)
        self._quick = client_of(url, QUICK_TIMEOUT, retries=1)
        self._cursor = 0

    def close(self) -> None:
        """Closes the kept connections."""
        self._redis.close()
        self._quick.close()

    def drain(self, limit: int, wait: timedelta) -> Ring:
        """Takes up to `limit` payloads; waits up to `wait` for the first, never for the others.

        Raises:
            Unavailable: Redis cannot be reached.
        """
        with reaching_redis():
            payloads = self._take(limit)
            if not payloads and wait:
                first = self._redis.brpop(list(self._names), timeout=wait.total_seconds())
                payloads = [as_text(first[1]), *self._take(limit - 1)] if first else []
        return read_ring(payloads)

    def ring(self, job_id: UUID) -> int:
        """Does what the front end does: pushes the bare id on the first list; how many it holds.

        Raises:
            Unavailable: Redis cannot be reached.
        """
        with reaching_redis():
            return self._quick.lpush(self._names[0], str(job_id))

    @property
    def room(self) -> str:
        """The list on which runs tell `quel dispatch` that a place on a path is free."""
        return f"{self._names[0]}:room"

    def tell_of_room(self) -> None:
        """Wakes whoever waits for a place on a path. One word is enough, and one is kept.

        Raises:
            Unavailable: Redis cannot be reached; the place is found a few seconds later.
        """
        with reaching_redis(), self._quick.pipeline() as both:
            both.lpush(self.room, 1)
            both.ltrim(self.room, 0, 0)
            both.execute()

    def lengths(self) -> dict[str, int]:
        """How many rings each list holds that no tick has heard yet.

        Raises:
            Unavailable: Redis cannot be reached.
        """
        with reaching_redis():
            return {name: self._quick.llen(name) for name in self._names}

    def is_cancelled(self, job_id: UUID) -> bool:
        """Whether the front end has flagged the job. A Redis error is an error, never a no (W-62).

        Raises:
            Unavailable: Redis cannot be reached.
        """
        with reaching_redis():
            return self._quick.get(cancel_flag(job_id)) == FLAGGED

    def flagged(self) -> set[UUID]:
        """Jobs that the front end has flagged, as far as one bounded look around finds them.

        Up to 50 000 keys are looked at, in most houses all; a call goes on where the last one
        ended. So its cost depends neither on the waiting jobs nor on what else Redis holds. Redis
        promises that a key which stays for a whole round is met in it. The place is kept in
        memory: a new process begins a new round and misses nothing.

        Raises:
            Unavailable: Redis cannot be reached.
        """
        keys: set[bytes | str] = set()
        with reaching_redis():
            for _ in range(SCANS_PER_LOOK):
                self._cursor, found = self._quick.scan(
                    self._cursor, match=cancel_flag("*"), count=KEYS_PER_SCAN
                )
                keys.update(found)
                if self._cursor == 0:
                    break
            values = self._quick.mget(keys) if keys else []
        raised = (key for key, value in zip(keys, values, strict=True) if value == FLAGGED)
        return {job_id for key in raised if (job_id := read_flag(as_text(key)))}

    def flag_cancel(self, job_id: UUID) -> None:
        """Does what the front end does to cancel a job."""
        with reaching_redis():
            self._quick.set(cancel_flag(job_id), FLAGGED, ex=FLAG_SECONDS)

    def clear_cancel(self, job_id: UUID) -> None:
        """Takes the flag away once it was honoured, so that the same id can be ordered again."""
        with reaching_redis():
            self._quick.delete(cancel_flag(job_id))

    def _take(self, limit: int) -> list[str]:
        payloads: list[str] = []
        for name in self._names:
            if len(payloads) < limit:
                popped = self._redis.rpop(name, limit - len(payloads))
                payloads += map(as_text, popped) if isinstance(popped, list) else []
        return payloads


def client_of(url: str, timeout: float, retries: int) -> redis.Redis:
    """A pool of connections, none of which is opened yet.

    Args:
        url: of the server.
        timeout: seconds of silence after which a connection counts as dead.
        retries: how often a command is sent again after that.

    Raises:
        ConfigurationError: the URL cannot be read.
    """
    tls = {"ssl_cert_reqs": ssl.CERT_REQUIRED} if url.startswith("rediss://") else {}
    try:
        return redis.Redis.from_url(
            url,
            socket_connect_timeout=min(timeout, 5.0),
            socket_timeout=timeout,
            health_check_interval=30,
            retry=Retry(ExponentialBackoff(cap=1.0, base=0.05), retries=retries),
            **tls,
        )
    except ValueError:
        # The cause would repeat part of the URL, and with it the password.
        raise ConfigurationError(
            "the Redis URL cannot be read; expected redis://:password@host:6379/0 (QUEL_REDIS_URL)"
        ) from None


def read_ring(payloads: Sequence[str]) -> Ring:
    """Sorts payloads into job ids, each once, and what is none."""
    ids = [(payload, read_payload(payload)) for payload in payloads]
    rung = [job_id for _, job_id in ids if job_id]
    unreadable = dict.fromkeys(payload[:200] for payload, job_id in ids if job_id is None)
    found = dict.fromkeys(rung)
    return Ring(job_ids=tuple(found), unreadable=tuple(unreadable), repeats=len(rung) - len(found))


def as_text(payload: bytes | str) -> str:
    """A payload as text; bytes that are none must not cost the others of their batch."""
    return payload if isinstance(payload, str) else payload.decode(errors="replace")


def read_payload(payload: str) -> UUID | None:
    """A bare UUID, the same quoted or padded, or a JSON object with `job_id`; else None."""
    text = payload.strip()
    if text.startswith("{"):
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            return None
        text = str(document.get("job_id", ""))
    try:
        return UUID(text.strip(" \t\r\n\"'"))
    except ValueError:
        return None


FLAGGED = b"true"


def cancel_flag(job_id: UUID | str) -> str:
    """The key the front end sets to `true` to cancel a job; with `*` the pattern of all of them."""
    return f"job:{job_id}:cancelled"


def read_flag(key: str) -> UUID | None:
    """The job of such a key; None where the text between is no id as the front end writes it."""
    job_id = read_payload(key.removeprefix("job:").removesuffix(":cancelled"))
    return job_id if job_id and cancel_flag(job_id) == key else None


@contextmanager
def reaching_redis() -> Generator[None]:
    """Names Redis and what to do when it does not serve, for whatever reason.

    Raises:
        Unavailable: in place of any error of the client or the server.
    """
    try:
        yield
    except redis.RedisError as error:
        raise Unavailable(
            f"Redis did not serve ({error}); check QUEL_REDIS_URL and that the server runs"
        ) from error
