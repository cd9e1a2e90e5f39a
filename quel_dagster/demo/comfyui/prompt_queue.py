"""The prompts that wait, the one that runs and the ones that ended. Nothing survives a restart.

A prompt's place is (number, id), lowest first, in a heap: clients see the heap as it lies.
"""

import asyncio
import heapq
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from quel_dagster.demo.comfyui.graph import Graph
from quel_dagster.demo.comfyui.wire import Json

LONGEST_HISTORY = 10_000


class Item(NamedTuple):
    """A queued prompt, in the order of fields that `GET /queue` shows.

    A tuple on purpose: two prompts of one id and one number cannot be ordered, and the real
    server trips over that in the same way.
    """

    number: float
    prompt_id: str
    graph: Graph
    extra_data: Json
    outputs: Sequence[str]

    @property
    def client_id(self) -> str | None:
        """Whose websocket hears about it; None when nobody asked to."""
        found = self.extra_data.get("client_id")
        return found if isinstance(found, str) else None


class PromptQueue:
    """One queue, one running prompt, one history.

    Args:
        changed: called after every change of the number of prompts waiting and running.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self.pending: list[Item] = []
        self.running: Item | None = None
        self.history: dict[str, Json] = {}
        self._changed = changed
        self._filled = asyncio.Event()

    @property
    def remaining(self) -> int:
        """Prompts waiting and running."""
        return len(self.pending) + (self.running is not None)

    def put(self, item: Item) -> None:
        """Queue a prompt.

        Raises:
            TypeError: a prompt of the same id and number waits already. This one is queued all the
                same, as on the real server.
        """
        self._filled.set()
        heapq.heappush(self.pending, item)
        self._changed()

    async def take(self) -> Item:
        """The next prompt, once there is one; it counts as running from here on."""
        while not self.pending:
            self._filled.clear()
            await self._filled.wait()
        self.running = heapq.heappop(self.pending)
        self._changed()
        return self.running

    def finish(self, entry: Json) -> None:
        """The running prompt has ended; its entry replaces an older one of the same id."""
        if self.running is None:
            raise RuntimeError("nothing is running")
        self.history[self.running.prompt_id] = entry
        if len(self.history) > LONGEST_HISTORY:
            del self.history[next(iter(self.history))]
        self.running = None
        self._changed()

    def delete(self, prompt_id: str) -> bool:
        """Drop the first waiting prompt of this id without a trace; never the running one."""
        for index, item in enumerate(self.pending):
            if item.prompt_id == prompt_id:
                del self.pending[index]
                heapq.heapify(self.pending)
                self._changed()
                return True
        return False

    def clear(self) -> None:
        """Drop all waiting prompts."""
        self.pending.clear()
        self._changed()

    def past(self, max_items: int | None = None, offset: int | None = None) -> Mapping[str, Json]:
        """Entries of the history, oldest first; `max_items` alone means the last ones."""
        start = offset if offset is not None and offset >= 0 else None
        if start is None:
            start = max(len(self.history) - max_items, 0) if max_items is not None else 0
        end = None if max_items is None else start + max_items
        return dict(list(self.history.items())[start:end])
