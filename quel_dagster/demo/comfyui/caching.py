"""Which nodes of a prompt are answered from the last one, and in which order the rest runs.

A node is the same when its class, its values, the content of its file and everything upstream
are. Only results of nodes in the newest prompt are kept (measured on v0.33.0).
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from quel_dagster.demo.comfyui.graph import Graph, class_type, inputs, link, sources, upstream
from quel_dagster.demo.comfyui.wire import Json


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a prompt will do.

    `order` holds the nodes to visit, sources first; a cached output is visited too, since its
    result is announced again. `cached` holds all nodes that need not run.
    """

    order: Sequence[str]
    cached: Sequence[str]


class Cache:
    """Results of nodes by signature.

    Args:
        content: the content of an input file by the name a graph gives it.
    """

    def __init__(self, content: Callable[[str], bytes]) -> None:
        self._content = content
        self._results: dict[str, Json] = {}
        self._signatures: dict[str, str] = {}

    def begin(self, graph: Graph, outputs: Sequence[str]) -> Plan:
        """Turn to a new prompt: forget what it does not use, and plan it."""
        needed = {node for output in outputs for node in upstream(graph, output)}
        self._signatures = {}
        for node_id in needed:
            self._sign(graph, node_id)
        kept = set(self._signatures.values())
        self._results = {key: found for key, found in self._results.items() if key in kept}
        cached = [n for n in graph if n in needed and self._signatures[n] in self._results]
        order: list[str] = []
        for output in outputs:
            _visit(graph, output, frozenset(cached), order)
        return Plan(order=order, cached=cached)

    def keep(self, node_id: str, result: Json) -> None:
        """Remember what a node of the current prompt gave; `{}` for a node that saves nothing."""
        self._results[self._signatures[node_id]] = result

    def result(self, node_id: str) -> Json:
        """What a cached node of the current prompt gave."""
        return self._results[self._signatures[node_id]]

    def clear(self) -> None:
        """Forget everything."""
        self._results.clear()

    def _sign(self, graph: Graph, node_id: str) -> str:
        if node_id in self._signatures:
            return self._signatures[node_id]
        node = graph[node_id]
        parts: list[object] = [class_type(node)]
        for name, value in sorted(inputs(node).items()):
            found = link(value)
            parts.append([name, [self._sign(graph, found[0]), found[1]] if found else value])
        if class_type(node) in ("LoadImage", "LoadImageMask"):
            content = self._content(str(inputs(node)["image"]))
            parts.append(sha256(content).hexdigest())
        signature = sha256(json.dumps(parts).encode()).hexdigest()
        return self._signatures.setdefault(node_id, signature)


def _visit(graph: Graph, node_id: str, cached: frozenset[str], order: list[str]) -> None:
    """Put a node into the order behind the nodes it waits for."""
    if node_id in order:
        return
    if node_id not in cached:
        for source in sources(graph[node_id]):
            if source not in cached:
                _visit(graph, source, cached, order)
    order.append(node_id)
