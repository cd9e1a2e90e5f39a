"""The whole house in one process, on real servers: orders in, runs through, rows out.

The daemon's part is played by `serve`: one tick, and each reserved job as a run of its category.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

import dagster as dg
import sqlalchemy as sa

from quel_dagster import categories
from quel_dagster.demo.front_end import FrontEnd, NewOrder
from quel_dagster.demo.samples import Customers, move_in
from quel_dagster.environment import Environment
from quel_dagster.intake.tick import Tick
from quel_dagster.model.job import Payer
from quel_dagster.pipeline.category import Category
from quel_dagster.pipeline.studio import Studio
from quel_dagster.services.tables import job


@dataclass(frozen=True)
class House:
    """An environment of running servers, migrated, with a Dagster instance to keep the runs."""

    environment: Environment
    instance: dg.DagsterInstance

    @cached_property
    def categories(self) -> Mapping[str, Category]:
        return {category.path: category for category in categories.load()}

    @cached_property
    def customers(self) -> Customers:
        """Members with balances and a reference picture of every kind."""
        return move_in(self.environment.engine, self.environment.storage)

    @cached_property
    def front_end(self) -> FrontEnd:
        return FrontEnd(self.environment.engine, self.environment.queue)

    def order(
        self,
        path: str | None,
        input: object,  # noqa: A002 - the word of the front end
        member_id: UUID | None = None,
    ) -> UUID:
        """Places an order for one picture, of the sample person or another, and rings."""
        payer = Payer(member_id=member_id) if member_id else self.customers.person
        return self.front_end.place(NewOrder(path=path, input=input, payer=payer))

    def serve(self) -> list[dg.DagsterRun]:
        """One tick, and every job it lets in run to the end; the runs in the order they began."""
        admitted = self.tick().let_in()
        return [self.run(self.categories[found.path].run_request(found)) for found in admitted]

    def tick(self) -> Tick:
        """One tick of the front door."""
        environment = self.environment
        worker = environment.settings.worker
        log = dg.get_dagster_logger()
        limits = {path: worker.path(path).max_workers for path in self.categories}
        return Tick(environment.queue, environment.store, worker, lambda: limits, log)

    def run(self, request: dg.RunRequest) -> dg.DagsterRun:
        """One run, failed ones included."""
        result = self.categories[str(request.job_name)].job.execute_in_process(
            run_config=request.run_config,
            tags=dict(request.tags),
            instance=self.instance,
            resources=self.resources,
            raise_on_error=False,
        )
        run = self.instance.get_run_by_id(result.run_id)
        assert run is not None
        return run

    @cached_property
    def resources(self) -> Mapping[str, object]:
        environment = self.environment
        return {
            "settings": environment.settings,
            "store": environment.store,
            "database": environment.engine,
            "studio": Studio(
                store=environment.store,
                storage=environment.storage,
                backends=environment.backends,
                queue=environment.queue,
                settings=environment.settings,
            ),
        }

    def row(self, job_id: UUID) -> sa.RowMapping:
        """The job's row, as the front end sees it."""
        with self.environment.engine.connect() as connection:
            found = connection.execute(sa.select(job).where(job.c.job_id == job_id))
            return found.mappings().one()

    def failure(self, run: dg.DagsterRun) -> str:
        """What the run's failed step told the operator."""
        records = self.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
        event = records[0].dagster_event
        assert event is not None
        data = event.step_failure_data
        assert data.user_failure_data is not None
        return data.user_failure_data.description or ""
