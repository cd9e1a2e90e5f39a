"""A ComfyUI graph in API format: reading one strictly, and taking nodes out of it.

What titles mean to us is told in `titles`.
"""

import graphlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
        """Each linked input with the id of the node it links to."""
        for name, value in self.inputs.items():
            match value:
                case [str(source), int()]:
                    yield name, source
                case _:
                    pass

    def plain(self, names: Iterable[str]) -> str | None:
        """The first of the inputs that the node has with a value of its own, not a link."""
        return next((n for n in names if not isinstance(self.inputs.get(n, []), list)), None)


Graph = dict[str, Node]
"""Nodes by id."""

DOCUMENT = TypeAdapter(dict[str, JsonValue])


class UnsoundWorkflow(ConfigurationError):
    """A ComfyUI graph that cannot be used as it is.

    Args:
        path: its file.
        problems: all of them, each naming its node and, mostly, what to do.
    """

    def __init__(self, path: Path, problems: Sequence[str]) -> None:
        super().__init__(path, problems)
        self.path = path
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return f"{self.path}: {'; '.join(self.problems)}"


def read(path: Path) -> tuple[Graph, list[str]]:
    """The nodes of a file, and everything that is wrong with nodes and links.

    ComfyUI accepts an unused node without `inputs`, and dies of it: a graph is linted before it is
    ever sent.

    Raises:
        UnsoundWorkflow: the file cannot be read, or is no export in API format at all.
    """
    try:
        document = DOCUMENT.validate_json(path.read_bytes())
    except OSError as error:
        raise UnsoundWorkflow(path, [f"cannot be read ({error.strerror})"]) from error
    except ValidationError as error:
        raise UnsoundWorkflow(path, [f"is not a JSON object; {EXPORT}"]) from error
    if isinstance(document.get("nodes"), list):
        raise UnsoundWorkflow(path, [f"is in the editor's own format; {EXPORT}"])
    graph: Graph = {}
    problems: list[str] = []
    for node_id, value in document.items():
        try:
            graph[node_id] = Node.model_validate(value)
        except ValidationError as error:
            problems.append(f"{_name_of(node_id, value)}: {_field_problem(error)}")
    return graph, [*problems, *_link_problems(graph, document.keys()), *_circles(graph)]


def _name_of(node_id: str, value: JsonValue) -> str:
    """A node that cannot be read, by what can be read of it."""
    match value:
        case {"_meta": {"title": str(title)}}:
            return f"node {node_id} ({title!r})"
        case _:
            return f"node {node_id}"


def _field_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    return f"{'.'.join(map(str, problem['loc'])) or 'value'}: {problem['msg']}"


def _link_problems(graph: Graph, known: Collection[str]) -> Iterator[str]:
    """What is wrong with links; those to nodes that are there but cannot be read are not."""
    for node_id, node in graph.items():
        for name, value in node.inputs.items():
            if isinstance(value, list) and (problem := _link_problem(known, value)):
                yield f"{known_as(graph, node_id)}: {name} {problem}"


def _link_problem(known: Collection[str], link: list[JsonValue]) -> str:
    match link:
        case [str(source), int(slot)] if not isinstance(slot, bool):
            if source not in known:
                return f"links to node {source}, which is missing"
            if not 0 <= slot < MOST_SLOTS:
                return f"links to output {slot} of node {source}, which cannot be"
            return ""
        case _:
            return f"is {link!r}, not a link of node id and output number"


def _circles(graph: Graph) -> Iterator[str]:
    feeds = {
        node_id: [source for _, source in node.sources() if source in graph]
        for node_id, node in graph.items()
    }
    try:
        graphlib.TopologicalSorter(feeds).prepare()
    except graphlib.CycleError as error:
        circle = ", ".join(known_as(graph, node_id) for node_id in error.args[1])
        yield f"nodes feed each other in a circle: {circle}"


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
