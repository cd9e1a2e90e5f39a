"""The one worker: takes the next prompt, runs it, files it in the history, and so on for ever.

Interrupting reaches the running prompt through here; what a prompt does is `execution`'s part.
"""

import asyncio
import os
from collections.abc import Callable

from quel_dagster.demo.comfyui import recipe
from quel_dagster.demo.comfyui.caching import Cache
from quel_dagster.demo.comfyui.execution import Execution
from quel_dagster.demo.comfyui.faults import Switches, strike
from quel_dagster.demo.comfyui.graph import Graph
from quel_dagster.demo.comfyui.hub import Hub
from quel_dagster.demo.comfyui.prompt_queue import Item, PromptQueue
from quel_dagster.demo.comfyui.studio import NodeFailed, Studio
from quel_dagster.demo.comfyui.wire import Json, now

HISTORY_LAG = 0.02
"""Seconds between `execution_success` and the history entry: who reads at the event reads `{}`."""


class Executor:
    """Runs the prompts of a queue one after another.

    Args:
        queue: where prompts come from and where they end.
        hub: where their events go.
        studio: where pictures are made.
        switches: the faults that may strike a render.
        seconds: how long a render takes.
    """

    def __init__(
        self,
        *,
        queue: PromptQueue,
        hub: Hub,
        studio: Studio,
        switches: Switches,
        seconds: float,
    ) -> None:
        self.cache = Cache(studio.content)
        self.log: list[Json] = []
        self._queue, self._hub, self._studio = queue, hub, studio
        self._switches = switches
        self._seconds = seconds
        self._current: Execution | None = None

    async def work(self) -> None:
        """Run prompts for ever."""
        while True:
            await self._run(await self._queue.take())

    def interrupt(self, prompt_id: str | None = None) -> bool:
        """Stop the running prompt at its next step; with an id only if it is that one."""
        running = self._queue.running
        if running is None or prompt_id not in (None, running.prompt_id):
            return False
        if self._current is not None:
            self._current.interrupted = True
        return True

    def current_node(self, client_id: str) -> str | None:
        """The node that works for this client now."""
        if self._current is None or self._current.item.client_id != client_id:
            return None
        return self._current.node

    async def _run(self, item: Item) -> None:
        prefix = recipe.prefix(item.graph, item.outputs)
        seconds = self._switches.faults.render_seconds
        execution = Execution(
            item,
            hub=self._hub,
            cache=self.cache,
            studio=self._studio,
            seconds=self._seconds if seconds is None else seconds,
            mishap=self._mishap(prefix),
        )
        entry: Json = {
            "prompt_id": item.prompt_id,
            "filename_prefix": prefix,
            "started": now(),
            "finished": None,
            "outcome": "running",
        }
        self.log.append(entry)
        if strike(self._switches.faults.hang, prefix) or _kills_executor(item.graph):
            execution.report("execution_start")
            await asyncio.Event().wait()
        self._current = execution
        ended = await execution.execute()
        await asyncio.sleep(HISTORY_LAG)
        entry |= {"finished": now(), "outcome": execution.outcome}
        self._current = None
        self._queue.finish(ended)
        execution.tell("executing", {"node": None, "prompt_id": item.prompt_id})

    def _mishap(self, prefix: str) -> Callable[[], None]:
        """What strikes in the middle of the render, should the switches be on by then."""

        def happen() -> None:
            if strike(self._switches.faults.die, prefix):
                os._exit(1)
            if fault := strike(self._switches.faults.fail_renders, prefix):
                raise NodeFailed(fault.exception_type, fault.message)

        return happen


def _kills_executor(graph: Graph) -> bool:
    """A node without `inputs` passes validation when nothing uses it, and then kills the worker."""
    return any("inputs" not in node for node in graph.values())
