"""A store and a Dagster instance side by side, for attempts that are struck without being made."""

from dataclasses import dataclass
from logging import getLogger

import dagster as dg
import sqlalchemy as sa

from quel_dagster import categories
from quel_dagster.model.job import Payer, Reservation, Ticket
from quel_dagster.model.settings import Settings
from quel_dagster.outcomes import sweep
from quel_dagster.pipeline.runs import DagsterRuns
from quel_dagster.services import tables
from quel_dagster.services.backend_book import BackendBook
from quel_dagster.services.comfyui.backends import Backends
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import make_member, place
from quel_dagster_tests.services.store.jobs import row

Status = dg.DagsterRunStatus
SETTINGS = Settings.model_validate({"credits": {"price_per_image": 20}})
[FASHION] = [category for category in categories.load() if category.path == "fashion"]


@dataclass(frozen=True)
class Desk:
    """A store and a Dagster instance side by side."""

    engine: sa.Engine
    store: JobStore
    instance: dg.DagsterInstance

    @property
    def backends(self) -> Backends:
        """A server where nobody is."""
        return Backends(["http://127.0.0.1:9"], BackendBook(self.engine), deadline=1.0)

    @property
    def resources(self) -> dict[str, object]:
        """What a sweep in Dagster asks for."""
        return {"store": self.store, "backends": self.backends, "settings": SETTINGS}

    def reserve(self) -> Reservation:
        job_id = place(self.engine, Payer(member_id=make_member(self.engine)))
        [reservation] = self.store.reserve("fashion", [(job_id, None)], 1000)
        return reservation

    def run(self, reservation: Reservation, status: Status) -> str:
        """The run of a reservation, as the sensor asks for it, however far it came."""
        request = FASHION.run_request(reservation)
        run = self.instance.create_run_for_job(
            FASHION.job, run_config=request.run_config, tags=dict(request.tags), status=status
        )
        return run.run_id

    def begin(self, status: Status = Status.STARTED) -> tuple[Ticket, str]:
        """A run that holds its job."""
        reservation = self.reserve()
        run_id = self.run(reservation, status)
        self.store.open(reservation.ticket, run_id)
        return reservation.ticket, run_id

    def sweep(self) -> int:
        log = getLogger("sweep")
        runs = DagsterRuns(self.instance)
        return sweep(self.store, runs, self.backends, SETTINGS.worker, log)

    def status(self, run_id: str) -> Status:
        run = self.instance.get_run_by_id(run_id)
        assert run is not None
        return run.status

    def last_words(self, run_id: str) -> str:
        return self.instance.all_logs(run_id)[-1].message

    def attempt(self, ticket: Ticket) -> sa.RowMapping:
        return row(self.engine, tables.attempt, ticket.job_id)
