"""What is wrong with a workflow by our own rules: titles, their inputs, and the one output.

Whether the nodes and links are sound at all is decided in `graph`; what a server lacks for them, in
`inventory`.
"""

from collections.abc import Iterator

from quel_dagster.pipeline.graph import EXPORT, Graph, known_as, upstream
from quel_dagster.pipeline.titles import OPTIONAL, REFERENCE, REQUIRED, inputs_of, meant

SAVING = ("Save", "Preview")
"""How the names of those core classes begin whose nodes are outputs."""


def lint(graph: Graph, *, whole: bool) -> list[str]:
    """Everything that is wrong; empty for a workflow that can be filled in and sent.

    Args:
        graph: nodes that can be read, their links of the right shape.
        whole: whether every link leads to a node of the graph and none in a circle; without that
            nothing can be said about the way to the output.
    """
    if not any(node.title for node in graph.values()):
        return [f"no node has a title; {EXPORT}"]
    flow = list(_flow_problems(graph)) if whole else []
    return [*_title_problems(graph), *_input_problems(graph), *flow]


def _title_problems(graph: Graph) -> Iterator[str]:
    """Each required title is there, none is there twice, and references are numbered from 1."""
    for node_id, node in graph.items():
        if right := meant(node.title):
            yield f"{known_as(graph, node_id)} is not found by its title; write it {right!r}"
    numbers = {node.title for node in graph.values() if REFERENCE.fullmatch(node.title)}
    references = [f"reference {number + 1}" for number in range(len(numbers))]
    for title in (*REQUIRED, *OPTIONAL, *references):
        found = [node_id for node_id, node in graph.items() if node.title == title]
        if len(found) > 1:
            nodes = " and ".join(known_as(graph, node_id) for node_id in found)
            yield f"{nodes} have the same title; rename all but one"
        if not found and title not in OPTIONAL:
            yield f"no node is titled {title!r}; give that title to the node it means"


def _input_problems(graph: Graph) -> Iterator[str]:
    """Every titled node has the inputs that are filled in."""
    for node_id, node in graph.items():
        for names in inputs_of(node.title):
            if node.plain(names) is None:
                yield f"{known_as(graph, node_id)} has no unlinked input {' or '.join(names)}"


def _flow_problems(graph: Graph) -> Iterator[str]:
    """Every node leads to the one output: a second one would make a second picture."""
    outputs = [node_id for node_id, node in graph.items() if node.title == "output"]
    if len(outputs) != 1:
        return
    used = upstream(graph, outputs[0])
    for node_id, node in graph.items():
        if node_id not in used:
            yield f"{known_as(graph, node_id)} does not lead to the output; remove it"
        elif node_id != outputs[0] and node.class_type.startswith(SAVING):
            yield f"{known_as(graph, node_id)} is a second output; remove it"
