"""One prompt from its start to its end: the nodes in their order, and every event on the way.

The order of events is the recorded one. Which prompt comes next is `executor`'s part.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from quel_dagster.demo.comfyui.caching import Cache
from quel_dagster.demo.comfyui.graph import class_type, inputs
from quel_dagster.demo.comfyui.hub import Hub
from quel_dagster.demo.comfyui.prompt_queue import Item
from quel_dagster.demo.comfyui.studio import NodeFailed, Studio
from quel_dagster.demo.comfyui.wire import Json, now

SAMPLERS = ("KSampler", "KSamplerAdvanced")
SLOW = (*SAMPLERS, "ImageBlur")
"""Nodes that take time. A sampler reports each step; a blur cannot be interrupted."""

FOR_EVERYBODY = ("progress", "progress_state", "execution_interrupted")
"""Events of a prompt without a client that go to every websocket (measured)."""


class Interrupted(Exception):
    """Somebody asked for the prompt to stop."""


class Execution:
    """A prompt at work.

    Args:
        item: the prompt.
        hub: where its events go.
        cache: what earlier prompts left.
        studio: where pictures are loaded, drawn and saved.
        seconds: how long its slow nodes take together.
        mishap: what happens in the middle of the render; raises, kills, or does nothing.
    """

    def __init__(
        self,
        item: Item,
        *,
        hub: Hub,
        cache: Cache,
        studio: Studio,
        seconds: float,
        mishap: Callable[[], None],
    ) -> None:
        self.item = item
        self.interrupted = False
        self.node: str | None = None
        self.executed: list[str] = []
        self.outcome = "running"
        self._hub, self._cache, self._studio = hub, cache, studio
        self._seconds = seconds
        self._mishap = mishap
        self._struck = False
        self._messages: list[tuple[str, Json]] = []
        self._outputs: Json = {}
        self._states: dict[str, Json] = {}

    async def execute(self) -> Json:
        """Run the prompt; answers its entry for the history."""
        self.report("execution_start")
        plan = self._cache.begin(self.item.graph, self.item.outputs)
        self.report("execution_cached", nodes=plan.cached)
        slow = sum(self._is_slow(n) for n in plan.order if n not in plan.cached)
        share = self._seconds / max(slow, 1)
        try:
            for node_id in plan.order:
                if node_id in plan.cached:
                    self._repeat(node_id)
                else:
                    await self._run(node_id, share)
        except Interrupted:
            self._end("execution_interrupted", "interrupted")
        except NodeFailed as error:
            self._end("execution_error", "error", **self._failure(error))
        else:
            self.outcome = "success" if self.executed else "cached"
            self.report("execution_success")
        return self._entry()

    def report(self, kind: str, **data: object) -> None:
        """Send an event that the history keeps."""
        message = {"prompt_id": self.item.prompt_id, **data, "timestamp": now()}
        self._messages.append((kind, message))
        self.tell(kind, message)

    def tell(self, kind: str, data: Json) -> None:
        """Send an event to the prompt's client; without one, to everybody or to nobody."""
        if self.item.client_id is not None or kind in FOR_EVERYBODY:
            self._hub.send(kind, data, self.item.client_id)

    async def _run(self, node_id: str, seconds: float) -> None:
        self.node = node_id
        self._progress(node_id, 0.0, 1.0, "running")
        shown: Json = {"node": node_id, "display_node": node_id}
        self.tell("executing", {**shown, "prompt_id": self.item.prompt_id})
        self._stop_if_interrupted()
        if self._is_slow(node_id):
            await self._work(node_id, seconds)
        result = await self._result(node_id)
        self._cache.keep(node_id, result)
        self.executed.append(node_id)
        if result:
            self._announce(node_id, result)
        top = cast("float", self._states[node_id]["max"])
        self._progress(node_id, top, top, "finished")

    async def _result(self, node_id: str) -> Json:
        graph = self.item.graph
        kind = class_type(graph[node_id])
        if node_id in self.item.outputs:
            self._strike()
            return await asyncio.to_thread(self._studio.picture, graph, node_id)
        if kind in ("LoadImage", "LoadImageMask"):
            await asyncio.to_thread(self._studio.load, str(inputs(graph[node_id])["image"]))
        return {}

    async def _work(self, node_id: str, seconds: float) -> None:
        """Let the time pass that a slow node takes; a sampler tells of each step."""
        if class_type(self.item.graph[node_id]) not in SAMPLERS:
            await asyncio.sleep(seconds)
            return
        steps = cast("int", inputs(self.item.graph[node_id])["steps"])
        for step in range(1, steps + 1):
            await asyncio.sleep(seconds / steps)
            self._progress(node_id, step, steps, "running")
            data: Json = {"value": step, "max": steps, "node": node_id}
            self.tell("progress", {**data, "prompt_id": self.item.prompt_id})
            if step * 2 >= steps:
                self._strike()
            self._stop_if_interrupted()

    def _repeat(self, node_id: str) -> None:
        """Announce a cached output once more, under the names of the files it wrote then."""
        self._announce(node_id, self._cache.result(node_id))
        self._progress(node_id, 1, 1, "finished")

    def _announce(self, node_id: str, result: Json) -> None:
        self._outputs[node_id] = result
        shown = {"node": node_id, "display_node": node_id, "output": result}
        self.tell("executed", {**shown, "prompt_id": self.item.prompt_id})

    def _progress(self, node_id: str, value: float, top: float, state: str) -> None:
        """Send the state of every node so far."""
        self._states[node_id] = {
            "value": value,
            "max": top,
            "state": state,
            "node_id": node_id,
            "prompt_id": self.item.prompt_id,
            "display_node_id": node_id,
            "parent_node_id": None,
            "real_node_id": node_id,
        }
        self.tell("progress_state", {"prompt_id": self.item.prompt_id, "nodes": self._states})

    def _strike(self) -> None:
        """Let the mishap happen, once."""
        if not self._struck:
            self._struck = True
            self._mishap()

    def _stop_if_interrupted(self) -> None:
        if self.interrupted:
            raise Interrupted

    def _is_slow(self, node_id: str) -> bool:
        return class_type(self.item.graph[node_id]) in SLOW

    def _end(self, kind: str, outcome: str, **data: object) -> None:
        """Report the end at the current node."""
        self.outcome = outcome
        node_id = self.node or ""
        self.report(
            kind,
            node_id=node_id,
            node_type=class_type(self.item.graph[node_id]),
            executed=self.executed,
            **data,
        )

    def _failure(self, error: NodeFailed) -> Json:
        given = inputs(self.item.graph[self.node or ""])
        return {
            "exception_message": f"{error}\n",
            "exception_type": error.exception_type,
            "traceback": error.trace,
            "current_inputs": {n: [v] for n, v in given.items() if not isinstance(v, list)},
            "current_outputs": list(self.item.graph),
        }

    def _entry(self) -> Json:
        success = self._messages[-1][0] == "execution_success"
        return {
            "prompt": self.item,
            "outputs": self._outputs,
            "status": {
                "status_str": "success" if success else "error",
                "completed": success,
                "messages": self._messages,
            },
            "meta": {
                node_id: {
                    "node_id": node_id,
                    "display_node": node_id,
                    "parent_node": None,
                    "real_node_id": node_id,
                }
                for node_id in self._outputs
            },
        }
