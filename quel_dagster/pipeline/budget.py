"""How much more a job may spend on pictures that failed. Pure, apart from the clock; thread-safe.

One budget for the whole job, in tries and in time: what was spent is counted in the store, so that
attempts share it. Pictures that were not yet asked for cost nothing of it.
"""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

from quel_dagster.model.job import Spent
from quel_dagster.model.settings import AttemptSettings


class Budget:
    """What is left to a job in this attempt.

    Args:
        settings: how much a job may spend.
        spent: what it has spent by now, in this attempt and the ones before.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        settings: AttemptSettings,
        spent: Spent,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lock = threading.Lock()
        self._renders = max(settings.renders - spent.renders, 0)
        self._clock = clock
        self._ends = clock() + (settings.time - spent.time).total_seconds()

    @property
    def _seconds(self) -> float:
        return max(self._ends - self._clock(), 0.0)

    def take(self) -> bool:
        """Takes one more render of a picture that failed; false when nothing is left to take."""
        with self._lock:
            if self._renders == 0 or self._seconds == 0:
                return False
            self._renders -= 1
            return True

    def __str__(self) -> str:
        """What is left, for a log line."""
        minutes = timedelta(seconds=round(self._seconds))
        return f"{self._renders} more renders and {minutes} are left to the job"
