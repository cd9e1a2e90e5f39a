"""Where dispatchers of a test stand: one door, and starters that only note what they start."""

from collections.abc import Callable, Collection
from contextlib import ExitStack
from dataclasses import dataclass, field
from uuid import UUID

import dagster as dg

from quel_dagster.dispatch.dispatcher import Dispatcher
from quel_dagster.model.errors import Unavailable
from quel_dagster.model.job import Production, Reservation
from quel_dagster.model.settings import WorkerSettings
from quel_dagster.services.doorbell import Doorbell
from quel_dagster.services.store import JobStore
from quel_dagster_tests.intake.door import SERVED, Door

LISTS = ("quel_jobs_queue", "jobs:queue")


@dataclass
class Notes:
    """A starter: no run begins, and it may be out of order for some calls."""

    started: list[Reservation] = field(default_factory=list[Reservation])
    code_is_away: int = 0
    fails: int = 0

    @property
    def paths(self) -> Collection[str]:
        return SERVED

    @property
    def job_ids(self) -> list[UUID]:
        return [reservation.ticket.job_id for reservation in self.started]

    def find_code(self) -> None:
        if self.code_is_away:
            self.code_is_away -= 1
            raise Unavailable("no code location")

    def start(self, reservation: Reservation) -> str:
        if self.fails:
            self.fails -= 1
            raise Unavailable("the run could not be stored")
        self.started.append(reservation)
        return str(reservation.ticket.claim_id)


@dataclass(frozen=True, kw_only=True)
class Porch:
    """A door, and whom a test puts there."""

    door: Door
    instance: dg.DagsterInstance
    url: str
    exits: ExitStack

    def limit(self, path: str, room: int) -> None:
        self.instance.event_log_storage.set_concurrency_slots(path, room)

    def dispatcher(
        self,
        notes: Notes,
        *,
        wait: str = "10ms",
        url: str | None = None,
        store: JobStore | None = None,
        passed: Callable[[], None] = lambda: None,
    ) -> Dispatcher:
        doorbell = Doorbell(url or self.url, names=LISTS)
        self.exits.callback(doorbell.close)
        settings = WorkerSettings.model_validate({"redis": {"timeout": wait}})
        store = store or self.door.store
        return Dispatcher(self.instance, notes, doorbell, store, settings, passed)

    def finish(self, reservation: Reservation) -> None:
        """The run of a reservation begins and ends, and tells of the place it leaves."""
        self.door.store.open(reservation.ticket, "run")
        self.door.store.settle(reservation.ticket, Production(stopped="for the test"))
        self.door.queue.tell_of_room()
