"""What is to be said about a workflow file before any order meets it: `quel workflows check`.

The rules are in `graph` and `lint`, what servers lack in `inventory`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from quel_dagster.model.errors import ConfigurationError
from quel_dagster.pipeline.graph import UnsoundWorkflow
from quel_dagster.pipeline.inventory import lacks
from quel_dagster.pipeline.workflow import Workflow
from quel_dagster.services.comfyui.classes import NodeClass

Classes = Mapping[str, Mapping[str, NodeClass]]
"""The node classes of servers, by address."""


@dataclass(frozen=True, kw_only=True)
class Abilities:
    """What orders a sound workflow can take.

    Attributes:
        nodes: how many nodes it has.
        references: for how many reference pictures of an order it can render; ascending.
        mask: whether an order may bring a mask.
        needs_mask: whether it must.
    """

    nodes: int
    references: tuple[int, ...]
    mask: bool
    needs_mask: bool

    def __str__(self) -> str:
        fewest, most = min(self.references, default=0), max(self.references, default=0)
        span = f"{fewest} to {most}" if most > fewest else str(most)
        mask = {(True, True): " and a mask", (True, False): ", with or without a mask"}
        return (
            f"{self.nodes} nodes, takes {span} reference picture{'' if most == 1 else 's'}"
            f"{mask.get((self.mask, self.needs_mask), '')}"
        )


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A workflow file and what was found. `abilities` is None where its own rules are broken."""

    file: Path
    abilities: Abilities | None = None
    problems: tuple[str, ...] = ()


def check(file: Path, models: Mapping[str, str], servers: Classes) -> Checked:
    """Everything that is wrong with a workflow, by our rules and then for these servers.

    Args:
        file: the workflow.
        models: model files by title of their loader, as the configuration names them.
        servers: nothing is asked here; without any, only our own rules count.
    """
    try:
        workflow = Workflow.load(file)
        graph = workflow.fitted(models)
    except UnsoundWorkflow as error:
        return Checked(file=file, problems=error.problems)
    except ConfigurationError as error:
        return Checked(file=file, problems=(str(error).removeprefix(f"{file}: "),))
    missing = {url: lacks(classes, graph) for url, classes in servers.items()}
    problems = [f"{problem} ({url})" for url, found in missing.items() for problem in found]
    return Checked(file=file, abilities=abilities_of(workflow), problems=tuple(problems))


def abilities_of(workflow: Workflow) -> Abilities:
    """Found out by trying: what can be left out depends on how the nodes hang together."""
    numbers = range(len(workflow.reference_ids) + 1)
    mask = "mask" in workflow.ids
    return Abilities(
        nodes=len(workflow.nodes),
        references=tuple(n for n in numbers if workflow.serves(n, mask=mask)),
        mask=mask,
        needs_mask=mask and not any(workflow.serves(n, mask=False) for n in numbers),
    )


def count_problems(found: Iterable[Checked]) -> int:
    """How many things are wrong in all files."""
    return sum(len(checked.problems) for checked in found)
