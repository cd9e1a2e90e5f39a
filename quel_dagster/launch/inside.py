"""The one door to parts of Dagster that it exports nowhere: its launcher's base, its own execution.

A launcher is a public notion without a public base class, and a run that exists already can be
executed by id only as Dagster's run workers do it. Nothing else may be taken from there.
"""

import signal
from abc import abstractmethod
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Never, Self, TypeAlias

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run_iterator
from dagster._core.launcher import LaunchRunContext, RunLauncher
from dagster._serdes import ConfigurableClass, ConfigurableClassData
from dagster._utils.interrupts import capture_interrupts

Spelling: TypeAlias = ConfigurableClassData | None
"""How `dagster.yaml` spells a part, which each part keeps."""


class PlainLauncher(RunLauncher[dg.DagsterInstance], ConfigurableClass):
    """A run launcher that `dagster.yaml` may name, without anything to set there."""

    def __init__(self, inst_data: Spelling = None) -> None:
        super().__init__()
        self._inst_data = inst_data

    @property
    def inst_data(self) -> Spelling:
        """How `dagster.yaml` spelled it."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, object]:
        """Nothing can be set."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: Spelling, config_value: Mapping[str, Never]) -> Self:
        """As `dagster.yaml` asks for it."""
        return cls(inst_data=inst_data, **config_value)

    def launch_run(self, context: LaunchRunContext) -> None:
        """What Dagster calls."""
        self.launch(context.dagster_run)

    @abstractmethod
    def launch(self, run: dg.DagsterRun) -> None:
        """Has a run executed."""


def execute(job: dg.JobDefinition, run: dg.DagsterRun, instance: dg.DagsterInstance) -> None:
    """Executes a run to its end, unless it has begun or ended already, which its log then tells."""
    for _event in execute_run_iterator(InMemoryJob(job), run, instance):
        pass


@contextmanager
def interruptible() -> Generator[None]:
    """Inside, SIGTERM and SIGINT interrupt a run as Dagster expects it, whenever they come."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        with capture_interrupts():
            yield
    finally:
        signal.signal(signal.SIGTERM, before)
