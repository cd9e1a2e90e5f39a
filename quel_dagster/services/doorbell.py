"""The doorbell as somebody hears it who never leaves the door: jobs without room stay with them.

A sensor hands such a ring back and hears it again at its next tick; for a process that ticks at
every ring that would be a busy loop.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from quel_dagster.model.errors import Unavailable
from quel_dagster.services.queue import JobQueue, Ring, as_text, reaching_redis, read_ring

KEPT = 1000
"""Jobs that stay at the door; those beyond go back on the list, behind everybody else. A job is
found by its age anyway, without a ring, half a minute after it was ordered."""
FLAGS_EVERY = 1.0
"""Seconds between two looks for cancel flags: one may cost 50 ms, and rings come much faster."""


class Doorbell(JobQueue):
    """The front end's lists, and the list on which runs tell that a place is free.

    Attributes:
        trouble: why nothing could be heard the last time; None when Redis answered.
    """

    trouble: Unavailable | None = None

    def __init__(
        self, url: str, *, names: tuple[str, ...], clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(url, names=names)
        self._waiting: dict[UUID, None] = {}
        self._offered: tuple[UUID, ...] = ()
        self._clock = clock
        self._next_flags = 0.0

    def drain(self, limit: int, wait: timedelta) -> Ring:
        """What was rung for and the jobs that stayed; waits for a ring, for room, or till the end.

        With as many as may stay it is deaf to rings until there is room, or the wait is over.

        Raises:
            Unavailable: Redis cannot be reached.
        """
        try:
            with reaching_redis():
                payloads = self._hear(limit, wait)
        except Unavailable as error:
            self.trouble = error
            raise
        self.trouble = None
        heard = read_ring(payloads)
        self._offered = tuple(dict.fromkeys((*self._waiting, *heard.job_ids)))
        self._waiting.clear()
        return Ring(job_ids=self._offered, unreadable=heard.unreadable, repeats=heard.repeats)

    def ring(self, job_id: UUID) -> int:
        """Keeps a job for the next tick; how many are kept. One too many is handed back to Redis.

        Raises:
            Unavailable: Redis cannot be reached.
        """
        if len(self._waiting) >= KEPT:
            super().ring(job_id)
        else:
            self._waiting[job_id] = None
        return len(self._waiting)

    def flagged(self) -> set[UUID]:
        """As a tick sees them, once a second; a run that begins in between looks for itself."""
        if self._clock() < self._next_flags:
            return set()
        self._next_flags = self._clock() + FLAGS_EVERY
        return super().flagged()

    def keep(self) -> None:
        """What was heard last comes to nothing: it stays for the next tick."""
        self._waiting = dict.fromkeys((*self._offered, *self._waiting))

    def hand_back(self) -> None:
        """Rings for the jobs that stayed, for somebody else to hear.

        Raises:
            Unavailable: Redis cannot be reached; they are found by their age.
        """
        while self._waiting:
            super().ring(next(iter(self._waiting)))
            self._waiting.pop(next(iter(self._waiting)))

    def _hear(self, limit: int, wait: timedelta) -> list[str]:
        names = [self.room] if len(self._waiting) >= KEPT else [*self._names, self.room]
        found = self._redis.brpop(names, timeout=max(wait.total_seconds(), 0.01))
        first = [as_text(found[1])] if found and as_text(found[0]) != self.room else []
        return [*first, *self._take(limit - len(first))]
