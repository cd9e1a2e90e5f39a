"""Judges a graph as ComfyUI does before it queues it: which outputs may run, and what is wrong.

How an answer is worded stands in `problems`; nothing here runs a node.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import cast

from quel_dagster.demo.comfyui.catalogue import Catalogue, Input
from quel_dagster.demo.comfyui.graph import Graph, Node, class_type, inputs
from quel_dagster.demo.comfyui.problems import crash, problem, unknown_class, value_error
from quel_dagster.demo.comfyui.wire import Json

FILE_INPUTS = {("LoadImage", "image"), ("LoadImageMask", "image")}
"""Inputs that name a file: judged by whether it is there, not by the list of choices."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What becomes of a graph: `outputs` run, or `error` says why nothing does.

    `node_errors` may be there in both cases; the outputs they spoil are dropped.
    """

    outputs: tuple[str, ...] = ()
    node_errors: Json = field(default_factory=dict[str, object])
    error: Json | None = None


def judge(
    graph: Graph,
    catalogue: Catalogue,
    has_file: Callable[[str], bool],
    targets: Collection[str] | None = None,
) -> Verdict:
    """Validate the graph and convert its values in place.

    Args:
        graph: the graph; its numbers given as text become numbers.
        catalogue: the classes to judge by.
        has_file: whether LoadImage could find a file of this name.
        targets: the output nodes to consider; all of them where it is None.
    """
    if unknown := unknown_class(graph, catalogue.classes):
        return Verdict(error=unknown)
    outputs = [node_id for node_id, node in graph.items() if catalogue.is_output(class_type(node))]
    wanted = [node_id for node_id in outputs if targets is None or node_id in targets]
    if not wanted:
        return Verdict(error=problem("prompt_no_outputs", "Prompt has no outputs", ""))
    return _Judge(graph, catalogue, has_file).verdict(wanted)


class _Judge:
    """One pass over a graph, from each output up; every node is judged once."""

    def __init__(self, graph: Graph, catalogue: Catalogue, has_file: Callable[[str], bool]) -> None:
        self.graph = graph
        self.catalogue = catalogue
        self.has_file = has_file
        self.sound: dict[str, bool] = {}
        self.errors: dict[str, list[Json]] = {}

    def verdict(self, outputs: Sequence[str]) -> Verdict:
        """Which of the outputs may run."""
        good: list[str] = []
        reasons: list[str] = []
        dependent: dict[str, list[str]] = {}
        for output in outputs:
            if self._is_good(output):
                good.append(output)
                continue
            reasons += [f"{e['message']}: {e['details']}" for e in self.errors.get(output, [])]
            for node_id in self.errors:
                dependent.setdefault(node_id, []).append(output)
        error = problem(
            "prompt_outputs_failed_validation",
            "Prompt outputs failed validation",
            "\n".join(reasons),
        )
        node_errors: Json = {
            node_id: {
                "errors": self.errors[node_id],
                "dependent_outputs": spoiled,
                "class_type": class_type(self.graph[node_id]),
            }
            for node_id, spoiled in dependent.items()
        }
        return Verdict(outputs=tuple(good), node_errors=node_errors, error=None if good else error)

    def _is_good(self, output: str) -> bool:
        try:
            return self._check(output, ())
        except (KeyError, IndexError, TypeError) as error:
            self._fail(output, crash("exception_during_validation", "validating node", error))
            return False

    def _fail(self, node_id: str, *errors: Json) -> None:
        self.sound[node_id] = False
        if errors:
            self.errors.setdefault(node_id, list(errors))

    def _check(self, node_id: str, path: tuple[str, ...]) -> bool:
        """Whether the node and all that feeds it can run; `path` is how we came here."""
        if node_id in self.sound:
            return self.sound[node_id]
        node = self.graph[node_id]
        given = inputs(node)
        errors: list[Json] = []
        sound = True
        for expected in self.catalogue.inputs(class_type(node)):
            if error := self._input_error(node, expected):
                errors.append(error)
            elif isinstance(given.get(expected.name), list):
                sound = self._check_source(expected, given, (*path, node_id)) and sound
        if errors or not sound:
            self._fail(node_id, *errors)
        return self.sound.setdefault(node_id, True)

    def _input_error(self, node: Node, expected: Input) -> Json | None:
        name = expected.name
        given = inputs(node)
        if name not in given:
            if not expected.required:
                return None
            return problem(
                "required_input_missing", "Required input is missing", name, input_name=name
            )
        value = given[name]
        if isinstance(value, list):
            return self._link_error(expected, cast("list[object]", value))
        if (class_type(node), name) in FILE_INPUTS:
            if self.has_file(str(value)):
                return None
            return problem(
                "custom_validation_failed",
                "Custom validation failed for node",
                f"{name} - Invalid image file: {value}",
                input_name=name,
            )
        return value_error(expected, given)

    def _link_error(self, expected: Input, value: list[object]) -> Json | None:
        name, kind = expected.name, expected.kind
        known = {"input_name": name, "input_config": expected.spec}
        if len(value) != 2:
            message = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
            return problem("bad_linked_input", message, name, **known, received_value=value)
        source, slot = cast("tuple[str, int]", tuple(value))
        received = self.catalogue.outputs(class_type(self.graph[source]))[slot]
        if received == kind:
            return None
        return problem(
            "return_type_mismatch",
            "Return type mismatch between linked nodes",
            f"{name}, received_type({received}) mismatch input_type({kind})",
            **known,
            received_type=received,
            linked_node=value,
        )

    def _check_source(self, expected: Input, given: Json, path: tuple[str, ...]) -> bool:
        linked = cast("list[str]", given[expected.name])
        source = linked[0]
        if source in path:
            self._fail_cycle(path[path.index(source) :])
            return False
        try:
            return self._check(source, path)
        except (KeyError, IndexError, TypeError) as error:
            found = crash(
                "exception_during_inner_validation",
                "validating inner node",
                error,
                input_name=expected.name,
                input_config=expected.spec,
                exception_message=str(error),
                linked_node=linked,
            )
            self._fail(source, found)
            return False

    def _fail_cycle(self, cycle: Sequence[str]) -> None:
        steps = (f"{n} ({class_type(self.graph[n])})" for n in [*cycle, cycle[0]])
        details = " -> ".join(steps)
        for node_id in cycle:
            found = problem(
                "dependency_cycle",
                "Dependency cycle detected",
                details,
                node_id=node_id,
                cycle_nodes=list(cycle),
            )
            self._fail(node_id, found)
