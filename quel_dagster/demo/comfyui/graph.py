"""A graph in ComfyUI's API format: its shape, and the walk from an output up to what feeds it.

What a node means is not here; `validation` judges graphs and `recipe` reads them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from quel_dagster.demo.comfyui.wire import Json

Node = dict[str, object]
"""`class_type`, `inputs` and, for the reader, `_meta`."""

Graph = dict[str, Node]
"""Nodes by id."""


class NotAGraph(ValueError):
    """What arrived is not a graph at all; the real server answers 500."""


def parse(value: object) -> Graph:
    """The value as a graph, looking at its shape only.

    Raises:
        NotAGraph: nodes are not objects (the GUI's own format looks like that), or a node's
            `inputs` is no object. A node without `inputs` passes, as on the real server.
    """
    if not isinstance(value, dict):
        raise NotAGraph("a graph is an object of nodes by id")
    nodes = cast("dict[str, object]", value)
    for node_id, node in nodes.items():
        if not isinstance(node, dict) or not isinstance(node.get("inputs", {}), dict):
            raise NotAGraph(f"node {node_id} is not a node")
    return cast("Graph", nodes)


def class_type(node: Node) -> str:
    """The node's class; the empty string where it has none."""
    return str(node.get("class_type", ""))


def inputs(node: Node) -> Json:
    """The node's inputs, literal values and links alike.

    Raises:
        KeyError: the node has no `inputs`.
    """
    return cast("Json", node["inputs"])


def link(value: object) -> tuple[str, int] | None:
    """The node and output slot that the value points to, or None for a literal value."""
    if isinstance(value, list):
        source, slot = cast("Sequence[object]", value)
        return str(source), cast("int", slot)
    return None


def sources(node: Node) -> list[str]:
    """The nodes that feed this one, in the order of its inputs."""
    linked = (link(value) for value in inputs(node).values())
    return list(dict.fromkeys(found[0] for found in linked if found))


def upstream(graph: Mapping[str, Node], node_id: str) -> Iterator[str]:
    """The node and all that feeds it, each once, depth first in the order of the inputs."""
    seen: set[str] = set()
    waiting = [node_id]
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            yield current
            waiting.extend(reversed(sources(graph[current])))
