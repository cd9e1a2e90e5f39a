"""A house whose runs are processes of their own, to be killed, told to stop and waited for."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from logging import getLogger
from pathlib import Path
from uuid import UUID

import dagster as dg
import httpx
import sqlalchemy as sa

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.outcomes import sweep
from quel_dagster.pipeline.runs import DagsterRuns
from quel_dagster.services import tables
from quel_dagster_tests.house import House
from quel_dagster_tests.journey.moments import order
from quel_dagster_tests.run_process import RunProcess

PATIENCE = 60.0
"""Seconds; a run process imports Dagster before it does anything."""
PICTURES = 3


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Asks until it is so: nothing tells when another process has come so far."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.05)


@dataclass(frozen=True)
class Workshop:
    """A house, the folder of its Dagster instance, and the one server that renders for it."""

    house: House
    home: Path
    comfyui: ComfyUIProcess
    started: list[RunProcess] = field(default_factory=list[RunProcess])

    def order(self) -> UUID:
        return order(self.house, PICTURES)

    def begin(self, *stop_after: str) -> RunProcess:
        """One tick; the job it lets in runs in a process of its own, which is ready before."""
        variables = {**self.house.environment.variables, "DAGSTER_HOME": str(self.home)}
        process = RunProcess(variables, *stop_after)
        self.started.append(process)
        [reservation] = self.house.tick().let_in()
        request = self.house.categories[reservation.path].run_request(reservation)
        process.execute(reservation.path, request.run_config, request.tags)
        return process

    def run_of(self, job_id: UUID) -> dg.DagsterRun:
        """The newest run of a job."""
        filters = dg.RunsFilter(tags={"quel/job_id": str(job_id)})
        return self.house.instance.get_runs(filters, limit=1)[0]

    def sweep(self) -> int:
        environment = self.house.environment
        runs = DagsterRuns(self.house.instance)
        worker, log = environment.settings.worker, getLogger("sweep")
        return sweep(environment.store, runs, environment.backends, worker, log)

    def attempt(self, job_id: UUID) -> sa.RowMapping:
        with self.house.environment.engine.connect() as connection:
            this = tables.attempt.c.job_id == job_id
            return connection.execute(sa.select(tables.attempt).where(this)).mappings().one()

    def slots(self, job_id: UUID) -> list[str]:
        """The states of a job's slots, in their order."""
        with self.house.environment.engine.connect() as connection:
            columns = tables.slot.c
            mine = sa.select(columns.state).where(columns.job_id == job_id).order_by(columns.slot)
            return list(connection.scalars(mine))

    def is_rendering(self) -> bool:
        """Whether the server is at a prompt."""
        queue = httpx.get(f"{self.comfyui.url}/queue").raise_for_status().json()
        return bool(queue["queue_running"])

    def wait_for_the_second_picture(self, job_id: UUID) -> None:
        """Until the first picture is delivered, and the second being rendered."""
        begun = ["delivered", "submitted", "planned"]
        wait_until(lambda: self.slots(job_id) == begun, "the first picture is delivered")
        wait_until(self.is_rendering, "the second picture is being rendered")

    def outcomes(self) -> list[str]:
        """How every prompt ended that the server ever began."""
        return [str(entry["outcome"]) for entry in self.comfyui.log()]

    def serve_again(self, job_id: UUID) -> dg.DagsterRun:
        """Rings and runs the job in this process, to its end."""
        self.house.environment.queue.ring(job_id)
        [run] = self.house.serve()
        return run
