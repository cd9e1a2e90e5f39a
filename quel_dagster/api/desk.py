"""What every route needs: the clients of the process, and threads in which to use them.

Routes are asynchronous, the clients are not; how many of them work at once is bounded here.
"""

from collections.abc import Callable, Collection
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from quel_dagster.api.bell import Bell
from quel_dagster.api.problems import RETRY_AFTER, Problem
from quel_dagster.environment import Environment

WAITING_PER_THREAD = 16
"""More requests than these wait for nothing: their callers have given up before their turn."""

Answer = TypeVar("Answer")


class Desk:
    """One for the application.

    Args:
        place: the clients.
        served: the paths that have a category.

    Raises:
        ConfigurationError: an address is missing or wrong.
    """

    def __init__(self, place: Environment, served: Collection[str]) -> None:
        self.place = place
        self.served = served
        self.bell = Bell(place.queue)
        # A wrong address is better told before the first request than to it.
        _ = place.orders, place.store
        self._most = place.settings.api.threads
        self._threads = CapacityLimiter(self._most)

    async def ask(self, call: Callable[[], Answer]) -> Answer:
        """What the call returns, made in a thread.

        Raises:
            Problem: too many are waiting for one.
        """
        if self._threads.statistics().tasks_waiting >= WAITING_PER_THREAD * self._most:
            raise Problem(503, "too many requests at once; try again", headers=RETRY_AFTER)
        return await to_thread.run_sync(call, limiter=self._threads)
