"""What `quel dispatch` does: waits at the door, lets jobs in, starts their runs, and keeps at it.

Which jobs are let in is decided in `intake`, how a run is started in `starting`.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Protocol

import dagster as dg
import psycopg2
from dagster_postgres.utils import DagsterPostgresException
from sqlalchemy.exc import SQLAlchemyError

from quel_dagster.intake.admission import let_in
from quel_dagster.model.errors import Unavailable
from quel_dagster.model.job import Reservation
from quel_dagster.model.settings import WorkerSettings
from quel_dagster.services.doorbell import Doorbell
from quel_dagster.services.store import JobStore

log = logging.getLogger(__name__)

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 5.0
"""Seconds between two tries while something is away; they double in between."""
PASSING = (
    Unavailable,
    SQLAlchemyError,
    psycopg2.Error,
    DagsterPostgresException,
    dg.DagsterError,
)
"""What goes wrong while PostgreSQL, Redis, the code server or Celery's broker is away."""


class Starter(Protocol):
    """Who makes runs of reservations: `starting.Starter`."""

    @property
    def paths(self) -> Collection[str]:
        """Those that have a category."""
        ...

    def find_code(self) -> None:
        """Raises `Unavailable` when no run could be started now."""
        ...

    def start(self, reservation: Reservation) -> str:
        """Starts the run of a reservation, once however often it is called; its id."""
        ...


class Dispatcher:
    """The process at the door.

    Args:
        instance: Dagster, whose pools limit the paths.
        starter: starts runs.
        doorbell: what it waits at.
        store: the truth.
        settings: paths, first limits, patience.
        passed: called after each pass, whatever came of it: the process is alive.
    """

    def __init__(
        self,
        instance: dg.DagsterInstance,
        starter: Starter,
        doorbell: Doorbell,
        store: JobStore,
        settings: WorkerSettings,
        passed: Callable[[], None] = lambda: None,
    ) -> None:
        self._instance = instance
        self._starter = starter
        self._doorbell = doorbell
        self._store = store
        self._settings = settings
        self._passed = passed
        self._reserved: list[tuple[float, Reservation]] = []
        self._failures = 0

    def serve(self, stop: threading.Event) -> None:
        """Lets jobs in until it is told to stop, and hands back the rings it keeps."""
        while not stop.is_set():
            self._pass(stop)
            self._passed()
        try:
            self._doorbell.hand_back()
        except Unavailable as error:
            log.warning("%s; jobs that were rung for are found by their age", error)

    def wake(self) -> None:
        """Ends the wait for a ring, for a moment."""
        try:
            self._doorbell.tell_of_room()
        except Unavailable as error:
            log.warning("%s; the wait for a ring ends by itself", error)

    def once(self) -> int:
        """Waits for a ring or for room, and starts a run for every job that may; how many.

        Raises:
            one of `PASSING`: something is away. What was reserved is started first the next time.
        """
        self._starter.find_code()
        started = self._start()
        until = time.monotonic() + self._settings.attempts.lease.total_seconds()
        try:
            found = let_in(
                self._instance,
                self._starter.paths,
                self._doorbell,
                self._store,
                self._settings,
                log,
            )
        except PASSING:
            self._doorbell.keep()
            raise
        self._reserved += [(until, reservation) for reservation in found]
        return started + self._start()

    def _start(self) -> int:
        """Starts what is reserved; what could not be within its lease is the sweep's."""
        started = 0
        while self._reserved:
            until, reservation = self._reserved[0]
            ticket = reservation.ticket
            if time.monotonic() < until:
                run_id = self._starter.start(reservation)
                log.info(
                    "%s job %s: attempt %d is run %s",
                    *(reservation.path, ticket.job_id, ticket.attempt, run_id),
                )
                started += 1
            else:
                log.warning(
                    "%s job %s: no run could be started in time; it waits again",
                    *(reservation.path, ticket.job_id),
                )
            self._reserved.pop(0)
        return started

    def _pass(self, stop: threading.Event) -> None:
        """One round, and a pause after one that something spoiled."""
        try:
            self.once()
            trouble = self._doorbell.trouble
        except PASSING as error:
            trouble = error
        if trouble is None:
            if self._failures:
                log.info("everything answers again")
            self._failures = 0
            return
        pause = growing(self._failures)
        self._failures += 1
        log.warning("%s; next try in %.1f s", in_a_line(trouble), pause.total_seconds())
        stop.wait(pause.total_seconds())


def growing(failures: int) -> timedelta:
    """A pause that doubles, spread by a half so that many do not come back at once."""
    seconds = min(FIRST_PAUSE * 2 ** min(failures, 10), LONGEST_PAUSE)
    return timedelta(seconds=seconds * random.uniform(0.5, 1.0))  # noqa: S311 - spreads, hides nothing


def in_a_line(error: BaseException) -> str:
    """What an error says first."""
    return next(iter(str(error).strip().splitlines()), repr(error))
