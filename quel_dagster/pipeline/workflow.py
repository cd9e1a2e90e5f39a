"""A category's ComfyUI workflow: checked when it is loaded, and filled in for one picture.

An operator's own graph works as well as a shipped one, as long as its nodes carry the same titles.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from quel_dagster.model.errors import ConfigurationError
from quel_dagster.model.job import Spec
from quel_dagster.pipeline.graph import EXPORT, Graph, Node, known_as, read, upstream, without

REQUIRED = ("positive", "seed", "size", "output")
"""Titles that every workflow has once; `negative` and `reference 1` and so on may be there."""

INPUTS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "positive": (("prompt", "text"),),
    "negative": (("prompt", "text"),),
    "seed": (("seed", "noise_seed"),),
    "size": (("width",), ("height",)),
    "output": (("filename_prefix",),),
}
"""For each value a title takes: the names its input may have."""

REFERENCE = re.compile(r"reference (\d+)")
IMAGE = (("image",),)
MODEL = ("unet_name", "clip_name", "vae_name", "ckpt_name")

SAVING = ("Save", "Preview")
"""How the names of those core classes begin whose nodes are outputs."""


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """A sound graph whose nodes are found by title.

    Attributes:
        nodes: the graph by node id; `bind` fills in a copy.
        ids: node ids of the titles that are filled in.
        reference_ids: the nodes that load reference pictures, in the order of their numbers.
    """

    path: Path
    nodes: Mapping[str, Node]
    ids: Mapping[str, str]
    reference_ids: tuple[str, ...]

    @classmethod
    def load(cls, path: Path) -> "Workflow":
        """The workflow in a file.

        Raises:
            ConfigurationError: names the file, the node and what to do about it.
        """
        graph = read(path)
        if not any(node.title for node in graph.values()):
            raise ConfigurationError(f"{path}: no node has a title; {EXPORT}")
        ids = {title: _only(path, graph, title) for title in REQUIRED}
        if any(node.title == "negative" for node in graph.values()):
            ids["negative"] = _only(path, graph, "negative")
        numbers = {node.title for node in graph.values() if REFERENCE.fullmatch(node.title)}
        references = [f"reference {number + 1}" for number in range(len(numbers))]
        reference_ids = tuple(_only(path, graph, title) for title in references)
        workflow = cls(path=path, nodes=graph, ids=ids, reference_ids=reference_ids)
        workflow.check_inputs()
        workflow.check_flow()
        return workflow

    def check_inputs(self) -> None:
        """Every titled node has the inputs that are filled in.

        Raises:
            ConfigurationError: one has not.
        """
        filled = [(node_id, INPUTS[title]) for title, node_id in self.ids.items()]
        for node_id, values in [*filled, *((node_id, IMAGE) for node_id in self.reference_ids)]:
            for names in values:
                if self.nodes[node_id].plain(names) is None:
                    raise self._wrong(node_id, f"has no unlinked input {' or '.join(names)}")

    def check_flow(self) -> None:
        """Every node leads to the one output: a second one would make a second picture.

        Raises:
            ConfigurationError: one does not, or is an output itself.
        """
        output = self.ids["output"]
        used = upstream(self.nodes, output)
        for node_id, node in self.nodes.items():
            if node_id not in used:
                raise self._wrong(node_id, "does not lead to the output; remove it")
            if node_id != output and node.class_type.startswith(SAVING):
                raise self._wrong(node_id, "is a second output; remove it")

    def bind(
        self,
        spec: Spec,
        *,
        references: Sequence[str],
        filename_prefix: str,
        models: Mapping[str, str],
    ) -> dict[str, object]:
        """A graph of its own for one picture, ready to be sent.

        Args:
            spec: words, size and seed.
            references: names of the uploaded pictures, as LoadImage takes them, in order. Reference
                nodes beyond them are left out with what hangs on them.
            filename_prefix: where the back end saves the picture.
            models: model files by title of their loader; other loaders keep the file's own.

        Raises:
            ConfigurationError: there are more references than reference nodes, the graph cannot do
                without one that the order lacks, or a titled loader takes no model file.
        """
        graph = {node_id: node.model_copy(deep=True) for node_id, node in self.nodes.items()}
        values = {
            "positive": (spec.scene.positive,),
            "negative": (spec.scene.negative,),
            "seed": (spec.seed,),
            "size": (spec.width, spec.height),
            "output": (filename_prefix,),
        }
        for title, node_id in self.ids.items():
            for names, value in zip(INPUTS[title], values[title], strict=True):
                self._fill(graph, node_id, names, value)
        for node_id, node in graph.items():
            if node.title in models:
                self._fill(graph, node_id, MODEL, models[node.title])
        graph = self._with_references(graph, references)
        return {node_id: node.model_dump(by_alias=True) for node_id, node in graph.items()}

    def _fill(self, graph: Graph, node_id: str, names: Sequence[str], value: str | int) -> None:
        name = graph[node_id].plain(names)
        if name is None:
            raise self._wrong(node_id, f"has no unlinked input {' or '.join(names)}")
        graph[node_id].inputs[name] = value

    def _with_references(self, graph: Graph, references: Sequence[str]) -> Graph:
        nodes = self.reference_ids
        if len(references) > len(nodes):
            raise ConfigurationError(
                f"{self.path}: takes {len(nodes)} reference pictures, the order has "
                f"{len(references)}; add a LoadImage node titled 'reference {len(nodes) + 1}'"
            )
        for node_id, name in zip(nodes, references, strict=False):
            self._fill(graph, node_id, IMAGE[0], name)
        left = without(graph, set(nodes[len(references) :]))
        output = self.ids["output"]
        used = upstream(left, output) if output in left else set[str]()
        for title in REQUIRED:
            if self.ids[title] not in used:
                raise self._wrong(
                    self.ids[title],
                    f"cannot do without reference {len(references) + 1}, which this order lacks; "
                    "connect references to optional inputs only",
                )
        return {node_id: node for node_id, node in left.items() if node_id in used}

    def _wrong(self, node_id: str, problem: str) -> ConfigurationError:
        return ConfigurationError(f"{self.path}: {known_as(self.nodes, node_id)} {problem}")


def _only(path: Path, graph: Graph, title: str) -> str:
    """The one node of a title."""
    found = [node_id for node_id, node in graph.items() if node.title == title]
    match found:
        case [node_id]:
            return node_id
        case []:
            raise ConfigurationError(
                f"{path}: no node is titled {title!r}; give that title to the node it means"
            )
        case _:
            nodes = " and ".join(known_as(graph, node_id) for node_id in found)
            raise ConfigurationError(f"{path}: {nodes} have the same title; rename all but one")
