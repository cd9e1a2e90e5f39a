"""What can be wrong with a node, worded as the real server words it (measured on v0.33.0).

Each function looks at one thing and answers an error or None; `validation` walks the graph.
"""

import traceback
from collections.abc import Callable, Container, Mapping
from typing import cast

from quel_dagster.demo.comfyui.catalogue import Input
from quel_dagster.demo.comfyui.graph import Graph
from quel_dagster.demo.comfyui.wire import Json

CONVERSIONS: Mapping[str, Callable[[str], object]] = {
    "INT": int,
    "FLOAT": float,
    "STRING": str,
    "BOOLEAN": bool,
}
"""Values of these kinds are converted, so `"64"` is as good as 64."""

LONGEST_LIST = 20
"""A list of more choices than this is not sent back."""


def problem(kind: str, message: str, details: str, **extra: object) -> Json:
    """An error in the form every ComfyUI error has."""
    return {"type": kind, "message": message, "details": details, "extra_info": extra}


def crash(kind: str, doing: str, error: Exception, **extra: object) -> Json:
    """A graph so wrong that judging it raised; the real server sends the trace along."""
    return problem(
        kind,
        f"Exception when {doing}",
        str(error),
        exception_type=type(error).__name__,
        traceback=traceback.format_tb(error.__traceback__),
        **extra,
    )


def unknown_class(graph: Graph, known: Container[object]) -> Json | None:
    """The first node whose class is missing or not installed; it refuses the whole graph."""
    for node_id, node in graph.items():
        name = node.get("class_type")
        if name in known:
            continue
        title = cast("Json", node.get("_meta", {})).get("title")
        if name is None:
            label = title or f"ID #{node_id}"
            message = (
                f"Node '{label}' has no class_type."
                " The workflow may be corrupted or a custom node is missing."
            )
        else:
            message = f"Node '{title or name}' not found. The custom node may not be installed."
        return problem(
            "missing_node_type",
            message,
            f"Node ID '#{node_id}'",
            node_id=node_id,
            class_type=name,
            node_title=title,
        )
    return None


def value_error(expected: Input, given: Json) -> Json | None:
    """Convert a literal value in place and hold it against its bounds or its choices."""
    name = expected.name
    value = given[name]
    if convert := CONVERSIONS.get(expected.kind):
        try:
            value = given[name] = convert(cast("str", value))
        except (ValueError, TypeError) as error:
            return problem(
                "invalid_input_type",
                f"Failed to convert an input value to a {expected.kind} value",
                f"{name}, {value}, {error}",
                input_name=name,
                input_config=expected.spec,
                received_value=value,
                exception_message=str(error),
            )
    if isinstance(value, int | float):
        return _out_of_bounds(expected, value)
    if expected.choices is not None and value not in expected.choices:
        return _not_in_list(expected, value)
    return None


def _out_of_bounds(expected: Input, value: float) -> Json | None:
    low, high = expected.bound("min"), expected.bound("max")
    if low is not None and value < low:
        kind, message = "value_smaller_than_min", f"Value {value} smaller than min of {low}"
    elif high is not None and value > high:
        kind, message = "value_bigger_than_max", f"Value {value} bigger than max of {high}"
    else:
        return None
    return problem(
        kind,
        message,
        expected.name,
        input_name=expected.name,
        input_config=expected.spec,
        received_value=value,
    )


def _not_in_list(expected: Input, value: object) -> Json:
    choices = expected.choices or ()
    short = len(choices) <= LONGEST_LIST
    listed = str(list(choices)) if short else f"(list of length {len(choices)})"
    return problem(
        "value_not_in_list",
        "Value not in list",
        f"{expected.name}: '{value}' not in {listed}",
        input_name=expected.name,
        input_config=expected.spec if short else None,
        received_value=value,
    )
