"""What a ComfyUI server lacks of what a graph needs: classes, inputs, model files.

Pure. Whether the graph is sound by itself is decided in `graph` and `lint`.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from pydantic import JsonValue

from quel_dagster.pipeline.graph import Node, known_as
from quel_dagster.services.comfyui.classes import Input, NodeClass

SHOWN = 3
"""Choices named where a value is none of them."""


def lacks(classes: Mapping[str, NodeClass], graph: Mapping[str, Node]) -> list[str]:
    """Everything in the graph that a server with these classes would stumble over."""
    return [
        f"{known_as(graph, node_id)} {problem}"
        for node_id, node in graph.items()
        for problem in _node_problems(classes, graph, node)
    ]


def _node_problems(
    classes: Mapping[str, NodeClass], graph: Mapping[str, Node], node: Node
) -> Iterator[str]:
    found = classes.get(node.class_type)
    if found is None:
        yield "is of a class that the server does not have; install the custom node it comes from"
        return
    known = dict(found.inputs())
    for name, expected in known.items():
        if expected.required and name not in node.inputs and not expected.is_dynamic:
            yield f"lacks the input {name}, which the server asks for"
    for name, value in node.inputs.items():
        expected = known.get(name)
        if expected is not None:
            yield from _value_problems(classes, graph, name, value, expected)
        elif not _is_below(name, known) and "upload" not in name:  # a button of the editor
            yield f"has an input {name} that the server does not know"


def _is_below(name: str, known: Mapping[str, Input]) -> bool:
    """Whether it is an input such as `codec.quality` of a dynamic input `codec`."""
    above = known.get(name.partition(".")[0])
    return above is not None and above.is_dynamic


def _value_problems(
    classes: Mapping[str, NodeClass],
    graph: Mapping[str, Node],
    name: str,
    value: JsonValue,
    expected: Input,
) -> Iterator[str]:
    match value:
        case [str(source), int(slot)]:
            feeding = classes.get(graph[source].class_type)
            outputs = feeding.outputs() if feeding else []
            if feeding and slot >= len(outputs):
                yield f"links {name} to output {slot} of node {source}, which has {len(outputs)}"
            elif feeding and not expected.takes(outputs[slot]):
                yield f"links {name} ({expected.kind}) to {outputs[slot]} of node {source}"
        case _ if expected.choices is not None and value not in expected.choices:
            offered = _some(value, expected.choices)
            yield f"asks for {name} {value!r}, which the server does not have; it has {offered}"
        case _:
            pass


def _some(value: JsonValue, choices: tuple[JsonValue, ...]) -> str:
    """The choices that come nearest to a value, and how many there are."""
    names = [str(choice) for choice in choices]
    if not names:
        return "none"
    nearest = get_close_matches(str(value), names, n=SHOWN)
    shown = list(dict.fromkeys((*nearest, *names)))[:SHOWN]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return ", ".join(shown) + more
