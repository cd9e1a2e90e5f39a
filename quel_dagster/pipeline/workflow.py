"""A category's ComfyUI workflow: checked when it is loaded, and filled in for one picture.

What is checked stands in `graph` and `lint`, what is filled in where in `titles`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from quel_dagster.model.errors import ConfigurationError
from quel_dagster.model.spec import Spec
from quel_dagster.pipeline.graph import (
    Graph,
    Node,
    UnsoundWorkflow,
    known_as,
    read,
    upstream,
    without,
)
from quel_dagster.pipeline.lint import lint
from quel_dagster.pipeline.titles import IMAGE, INPUTS, MODEL, REFERENCE, REQUIRED


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
            UnsoundWorkflow: names the file and everything that is wrong with it.
        """
        graph, problems = read(path)
        problems += lint(graph, whole=not problems)
        if problems:
            raise UnsoundWorkflow(path, problems)
        by_title = {node.title: node_id for node_id, node in graph.items()}
        references = sum(1 for title in by_title if REFERENCE.fullmatch(title))
        return cls(
            path=path,
            nodes=graph,
            ids={title: by_title[title] for title in INPUTS if title in by_title},
            reference_ids=tuple(by_title[f"reference {n + 1}"] for n in range(references)),
        )

    def bind(
        self,
        spec: Spec,
        *,
        references: Sequence[str],
        filename_prefix: str,
        models: Mapping[str, str],
        mask: str | None = None,
    ) -> dict[str, object]:
        """A graph of its own for one picture, ready to be sent.

        Args:
            spec: words, size and seed.
            references: names of the uploaded pictures, as LoadImage takes them, in order. Reference
                nodes beyond them are left out with what hangs on them.
            filename_prefix: where the back end saves the picture.
            models: model files by title of their loader; other loaders keep the file's own.
            mask: name of the uploaded mask; the graph's mask node is left out where there is none.

        Raises:
            ConfigurationError: there are more references than reference nodes or a mask without a
                mask node, the graph cannot do without a picture that the order lacks, or a titled
                loader takes no model file.
        """
        graph = self.fitted(models)
        values = {
            "positive": (spec.scene.positive,),
            "negative": (spec.scene.negative,),
            "seed": (spec.seed,),
            "size": (spec.width, spec.height),
            "output": (filename_prefix,),
            "mask": (mask or "",),
        }
        for title, node_id in self.ids.items():
            for names, value in zip(INPUTS[title], values[title], strict=True):
                self._fill(graph, node_id, names, value)
        graph = self._with_pictures(graph, references, mask)
        return {node_id: node.model_dump(by_alias=True) for node_id, node in graph.items()}

    def model(self, models: Mapping[str, str]) -> str:
        """The model files that the graph loads: what a server has warm after it."""
        files = {
            str(value)
            for node in self.fitted(models).values()
            for name, value in node.inputs.items()
            if name in MODEL and isinstance(value, str)
        }
        return ", ".join(sorted(files))

    def serves(self, references: int, *, mask: bool) -> bool:
        """Whether an order with so many reference pictures, and with or without a mask, can go."""
        names = ["a picture"] * references
        try:
            self._with_pictures(self.fitted({}), names, "a mask" if mask else None)
        except ConfigurationError:
            return False
        return True

    def fitted(self, models: Mapping[str, str]) -> Graph:
        """A copy of the graph whose loaders take these model files, by title.

        Raises:
            ConfigurationError: a loader that a title names takes no model file.
        """
        graph = {node_id: node.model_copy(deep=True) for node_id, node in self.nodes.items()}
        for node_id, node in graph.items():
            if node.title in models:
                self._fill(graph, node_id, MODEL, models[node.title])
        return graph

    def _fill(self, graph: Graph, node_id: str, names: Sequence[str], value: str | int) -> None:
        name = graph[node_id].plain(names)
        if name is None:
            raise self._wrong(node_id, f"has no unlinked input {' or '.join(names)}")
        graph[node_id].inputs[name] = value

    def _with_pictures(self, graph: Graph, references: Sequence[str], mask: str | None) -> Graph:
        """The graph with these pictures, and without the branches of those it would take more."""
        nodes = self.reference_ids
        if len(references) > len(nodes):
            raise ConfigurationError(
                f"{self.path}: takes {len(nodes)} reference pictures, the order has "
                f"{len(references)}; add a LoadImage node titled 'reference {len(nodes) + 1}'"
            )
        if mask and "mask" not in self.ids:
            raise ConfigurationError(
                f"{self.path}: takes no mask; add a LoadImageMask node titled 'mask'"
            )
        for node_id, name in zip(nodes, references, strict=False):
            self._fill(graph, node_id, IMAGE[0], name)
        absent = {node_id: self.nodes[node_id].title for node_id in nodes[len(references) :]}
        if "mask" in self.ids and not mask:
            absent[self.ids["mask"]] = "mask"
        left = without(graph, set(absent))
        output = self.ids["output"]
        used = upstream(left, output) if output in left else set[str]()
        for title in REQUIRED:
            if self.ids[title] not in used:
                raise self._wrong(
                    self.ids[title],
                    f"cannot do without {' or '.join(absent.values())}, which this order lacks; "
                    "connect them to optional inputs only",
                )
        return {node_id: node for node_id, node in left.items() if node_id in used}

    def _wrong(self, node_id: str, problem: str) -> ConfigurationError:
        return ConfigurationError(f"{self.path}: {known_as(self.nodes, node_id)} {problem}")
