"""A ComfyUI graph in API format: reading one strictly, and taking nodes out of it.

What a node's title binds is known to `workflow` alone.
"""

import graphlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel, Field, JsonValue, TypeAdapter, ValidationError

from quel_dagster.model.errors import ConfigurationError

EXPORT = "export it with 'Export (API)' from a current ComfyUI"

OPTIONAL_INPUTS: Mapping[str, frozenset[str]] = {
    "ImageCompositeMasked": frozenset({"mask"}),
    "ImageStitch": frozenset({"image2"}),
    "ReferenceLatent": frozenset({"latent"}),
    "TextEncodeQwenImageEdit": frozenset({"image", "vae"}),
    "TextEncodeQwenImageEditPlus": frozenset({"image1", "image2", "image3", "vae"}),
}
"""Links that core nodes can do without (`/object_info` of v0.33.0). All others are needed."""

MOST_SLOTS = 64
"""No core node has as many outputs; a higher slot is a slip."""


class Meta(BaseModel):
    """What the editor notes about a node."""

    title: str = ""


class Node(BaseModel):
    """A node: its class, and its inputs, each a plain value or a link `[node id, output slot]`."""

    class_type: str = Field(min_length=1)
    inputs: dict[str, JsonValue]
    meta: Meta = Field(default_factory=Meta, alias="_meta")

    @property
    def title(self) -> str:
        """The title given in the editor; empty where the export has none."""
        return self.meta.title

    def sources(self) -> Iterator[tuple[str, str]]:
        """Each linked input with the id of the node it links to. The links are sound."""
        for name, value in self.inputs.items():
            if isinstance(value, list):
                yield name, str(value[0])

    def plain(self, names: Iterable[str]) -> str | None:
        """The first of the inputs that the node has with a value of its own, not a link."""
        return next((n for n in names if not isinstance(self.inputs.get(n, []), list)), None)


Graph = dict[str, Node]
"""Nodes by id."""

DOCUMENT = TypeAdapter(dict[str, JsonValue])


def read(path: Path) -> Graph:
    """The graph in a file, every node and link of it sound.

    ComfyUI accepts an unused node without `inputs`, and dies of it: a graph is linted before it is
    ever sent.

    Raises:
        ConfigurationError: it cannot be read, is no export in API format, or a link leads nowhere.
    """
    try:
        document = DOCUMENT.validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror})") from error
    except ValidationError as error:
        raise ConfigurationError(f"{path}: is not a JSON object; {EXPORT}") from error
    graph = {node_id: _node(path, node_id, value) for node_id, value in document.items()}
    for node_id, node in graph.items():
        for name, value in node.inputs.items():
            if isinstance(value, list) and (problem := _link_problem(graph, value)):
                raise ConfigurationError(
                    f"{path}: {known_as(graph, node_id)}: {name} {problem}; {EXPORT}"
                )
    _refuse_cycles(graph, path)
    return graph


def _node(path: Path, node_id: str, value: JsonValue) -> Node:
    try:
        return Node.model_validate(value)
    except ValidationError as error:
        match value:
            case {"_meta": {"title": str(title)}}:
                name = f"node {node_id} ({title!r})"
            case _:
                name = f"node {node_id}"
        problem = error.errors()[0]
        field = ".".join(map(str, problem["loc"])) or "value"
        raise ConfigurationError(f"{path}: {name}: {field}: {problem['msg']}; {EXPORT}") from error


def _link_problem(graph: Graph, link: list[JsonValue]) -> str:
    match link:
        case [str(source), int(slot)] if not isinstance(slot, bool):
            if source not in graph:
                return f"links to node {source}, which is missing"
            if not 0 <= slot < MOST_SLOTS:
                return f"links to output {slot} of node {source}, which cannot be"
            return ""
        case _:
            return f"is {link!r}, not a link of node id and output number"


def _refuse_cycles(graph: Graph, path: Path) -> None:
    feeds = {node_id: [source for _, source in node.sources()] for node_id, node in graph.items()}
    try:
        graphlib.TopologicalSorter(feeds).prepare()
    except graphlib.CycleError as error:
        circle = ", ".join(known_as(graph, node_id) for node_id in error.args[1])
        raise ConfigurationError(f"{path}: nodes feed each other in a circle: {circle}") from error


def known_as(graph: Mapping[str, Node], node_id: str) -> str:
    """A node as its author knows it."""
    node = graph[node_id]
    title = f" '{node.title}'" if node.title else ""
    return f"node {node_id} ({node.class_type}{title})"


def upstream(graph: Mapping[str, Node], node_id: str) -> set[str]:
    """The node and everything that feeds it."""
    seen: set[str] = set()
    waiting = [node_id]
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            waiting += [source for _, source in graph[current].sources()]
    return seen


def without(graph: Graph, absent: set[str]) -> Graph:
    """The graph without some nodes, and without all that cannot do without them. Changes `graph`.

    A link to an absent node goes where its input is optional. Where it is needed, the node's
    other input of the same kind stands in for the node (`image1` for an `ImageBatch` that lost its
    `image2`); a node without one becomes absent in turn.
    """
    gone = set(absent)
    waiting = list(absent)
    while waiting:
        missing = waiting.pop()
        for node_id, name in _links_to(graph, missing):
            node = graph[node_id]
            if name in OPTIONAL_INPUTS.get(node.class_type, frozenset()):
                del node.inputs[name]
                continue
            stand_in = _stand_in(node, name, missing)
            if stand_in is not None:
                _redirect(graph, node_id, stand_in)
            gone.add(node_id)
            waiting.append(node_id)
    return {node_id: node for node_id, node in graph.items() if node_id not in gone}


def _links_to(graph: Graph, source: str) -> list[tuple[str, str]]:
    return [
        (node_id, name)
        for node_id, node in graph.items()
        for name, linked in node.sources()
        if linked == source
    ]


def _stand_in(node: Node, lost: str, missing: str) -> list[JsonValue] | None:
    """The link of another input that differs from the lost one by its number only."""
    stem = re.sub(r"\d+$", "", lost)
    for name, source in node.sources():
        link = node.inputs[name]
        if source != missing and re.sub(r"\d+$", "", name) == stem and isinstance(link, list):
            return link
    return None


def _redirect(graph: Graph, node_id: str, link: list[JsonValue]) -> None:
    for consumer, name in _links_to(graph, node_id):
        graph[consumer].inputs[name] = list(link)
