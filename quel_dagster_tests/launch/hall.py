"""Runs that are executed by an executor of the test's process, or by real workers."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from logging import getLogger
from pathlib import Path
from uuid import UUID

import dagster as dg

from quel_dagster.demo.dagster import worker_part
from quel_dagster.demo.front_end import NewOrder
from quel_dagster.demo.parts import Part
from quel_dagster.demo.supervisor import Supervisor
from quel_dagster.environment import Environment
from quel_dagster.launch.execution import Executor
from quel_dagster.launch.launcher import WarmRunLauncher
from quel_dagster.model.job import Payer
from quel_dagster.outcomes import sweep
from quel_dagster.pipeline.runs import DagsterRuns
from quel_dagster.pipeline.tags import JOB_ID_TAG
from quel_dagster_tests.builders import make_member
from quel_dagster_tests.house import House

Event = dg.DagsterEventType
BEGUN_BY = re.compile(r"Executing steps in process \(pid: (\d+)\)")


def launch(instance: dg.DagsterInstance, run_id: str) -> None:
    """As the daemon does; our launcher asks nothing of a workspace."""
    instance.launch_run(run_id, None)  # pyright: ignore[reportArgumentType] - no code server here


def launcher_of(instance: dg.DagsterInstance) -> WarmRunLauncher:
    launcher = instance.run_launcher
    assert isinstance(launcher, WarmRunLauncher)
    return launcher


@dataclass(frozen=True)
class Office:
    """Executes runs of one job here, as a worker's process does."""

    place: Environment
    instance: dg.DagsterInstance

    def executor(self, *jobs: dg.JobDefinition) -> Executor:
        definitions = dg.Definitions(jobs=jobs, executor=dg.in_process_executor)
        return Executor(self.place, definitions.get_repository_def())

    def run_of(self, job: dg.JobDefinition, **run_config: object) -> str:
        """A run that is about to be launched."""
        return self.instance.create_run_for_job(job, run_config=run_config or None).run_id

    def status(self, run_id: str) -> dg.DagsterRunStatus:
        run = self.instance.get_run_by_id(run_id)
        assert run is not None
        return run.status

    def count(self, run_id: str, kind: Event) -> int:
        return len(self.instance.all_logs(run_id, of_type=kind))


def job_that(work: Callable[[], object], name: str = "errand") -> dg.JobDefinition:
    """A job of one op."""

    @dg.op(name=f"{name}_op")
    def do() -> None:
        work()

    @dg.job(name=name)
    def errand() -> None:
        do()

    return errand


@dataclass(frozen=True)
class Hall:
    """A house whose runs are executed by workers; the daemon's part is played by the test."""

    house: House
    supervisor: Supervisor

    @property
    def instance(self) -> dg.DagsterInstance:
        return self.house.instance

    @property
    def launcher(self) -> WarmRunLauncher:
        return launcher_of(self.instance)

    def hire(self, *workers: str) -> None:
        """Starts workers, each a name and options, and waits until all of them take runs."""
        self.supervisor.start(*(self.part(*worker.split()) for worker in workers))

    def part(self, name: str, *options: str) -> Part:
        variables = self.house.environment.variables
        return worker_part(Path(variables["DAGSTER_HOME"]), variables, *options, name=name)

    def order(self, path: str = "fashion", pictures: int = 1) -> UUID:
        """An order of a customer of its own."""
        environment = self.house.environment
        document = {
            "basePrompt": "a linen suit",
            "aspect-ratio": "1:1",
            "combinations": [{"angle": "front", "shot": "full", "quantity": pictures}],
        }
        payer = Payer(member_id=make_member(environment.engine))
        return self.house.front_end.place(
            NewOrder(path=path, input=document, payer=payer, total_images=pictures)
        )

    def let_in(self) -> list[str]:
        """One tick; the runs it asks for, which are sent."""
        run_ids = self.requested()
        for run_id in run_ids:
            launch(self.instance, run_id)
        return run_ids

    def requested(self) -> list[str]:
        """One tick; the runs it asks for, which nobody has sent yet."""
        run_ids: list[str] = []
        for found in self.house.tick().let_in():
            category = self.house.categories[found.path]
            request = category.run_request(found)
            run = self.instance.create_run_for_job(
                category.job, run_config=request.run_config, tags=dict(request.tags)
            )
            run_ids.append(run.run_id)
        return run_ids

    def sweep(self) -> int:
        environment = self.house.environment
        runs = DagsterRuns(self.instance)
        worker, log = environment.settings.worker, getLogger("sweep")
        return sweep(environment.store, runs, environment.backends, worker, log)

    def statuses(self, *job_ids: UUID) -> list[str]:
        return [self.house.row(job_id)["job_status"] for job_id in job_ids]

    def job_of(self, run_id: str) -> UUID:
        run = self.instance.get_run_by_id(run_id)
        assert run is not None
        return UUID(run.tags[JOB_ID_TAG])

    def process_of(self, run_id: str) -> int | None:
        """The process that executed a run, from its log."""
        for entry in self.instance.all_logs(run_id, of_type=Event.ENGINE_EVENT):
            if found := BEGUN_BY.search(entry.message or entry.user_message):
                return int(found[1])
        return None
