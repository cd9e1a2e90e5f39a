"""A ComfyUI graph in API format, as far as the client must understand one before it sends it.

What the graph paints, and how a workflow becomes one, is not decided here.
"""

from collections.abc import Iterator, Mapping

Graph = Mapping[str, object]
"""Node id to node; a node is an object with `class_type`, `inputs` and, mostly, `_meta.title`."""


def node_name(graph: Graph, node_id: str, kind: str = "") -> str:
    """How an operator knows a node: by its title, else by its class and id."""
    match graph.get(node_id):
        case {"_meta": {"title": str(title)}} if title:
            return f"'{title}'"
        case {"class_type": str(class_type)}:
            return f"{class_type} {node_id}"
        case _:
            return f"{kind or 'node'} {node_id}"


def faults(graph: Graph) -> list[str]:
    """What must never be sent; empty for a sound graph.

    ComfyUI 0.33 accepts an unused node without `inputs` with 200 and its executor dies on it, so
    that every later prompt of everybody hangs; other malformed nodes are answered with a bare 500.
    """
    if not graph:
        return ["the graph has no nodes"]
    return [fault for node_id in graph for fault in _node_faults(graph, node_id)]


def _node_faults(graph: Graph, node_id: str) -> Iterator[str]:
    match graph[node_id]:
        case {"class_type": str(), "inputs": Mapping() as inputs}:
            for name, value in inputs.items():
                match value:
                    case [str(source), int()] if source not in graph:
                        yield f"{node_name(graph, node_id)}: {name} links to node {source}, missing"
                    case _:
                        pass
        case _:
            yield f"{node_name(graph, node_id)} has no class_type or no inputs"
