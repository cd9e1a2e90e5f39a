"""Executes one run by its id in this process, which keeps everything warm between two runs.

How the id comes here, and how processes come and go, is not known here.
"""

import logging
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager

import dagster as dg
from dagster_postgres.utils import DagsterPostgresException
from sqlalchemy.exc import SQLAlchemyError

from quel_dagster.environment import Environment
from quel_dagster.launch.claims import Claims
from quel_dagster.launch.inside import execute, interruptible
from quel_dagster.model.errors import QuelError

LOOK_EVERY = 1.0
"""Seconds between two looks whether the run was terminated."""
Status = dg.DagsterRunStatus
STOPPED = frozenset({Status.CANCELING, Status.CANCELED, Status.FAILURE})
"""Statuses that somebody else gives a run which is being executed: it is to stop."""

log = logging.getLogger(__name__)


class CannotExecute(QuelError):
    """A run that this worker cannot execute, however often it tries."""


class Executor:
    """Executes runs one after the other, on one Dagster instance.

    Everything that a run needs is made at once and connects when it is first used: processes that
    are forked from this one have it.

    Args:
        place: addresses.
        repository: the definitions that runs may be of.

    Raises:
        ConfigurationError: something is not set.
    """

    def __init__(self, place: Environment, repository: dg.RepositoryDefinition) -> None:
        place.build()
        self._claims = Claims(place.dagster_engine)
        self._repository = repository
        self._instance = dg.DagsterInstance.get()

    def execute(self, run_id: str) -> None:
        """Executes a run, unless another process does or did.

        Raises:
            CannotExecute: no such run, or not with the code that is loaded here. The run, if there
                is one, has failed with the same words.
        """
        with self._claims.hold(run_id) as is_ours:
            if not is_ours:
                log.warning("run %s is being executed by another process: nothing to do", run_id)
                return
            self._execute(self._find(run_id))

    def _find(self, run_id: str) -> dg.DagsterRun:
        run = self._instance.get_run_by_id(run_id)
        if run is None:
            raise CannotExecute(f"run {run_id} is unknown to Dagster: it was deleted")
        return run

    def _execute(self, run: dg.DagsterRun) -> None:
        if run.status is Status.CANCELING:
            self._instance.report_run_canceled(run, "Terminated before it began.")
            return
        with self._answering_for(run.run_id), interruptible(), watched(self._instance, run.run_id):
            execute(self._job(run.job_name), run, self._instance)

    def _job(self, name: str) -> dg.JobDefinition:
        if not self._repository.has_job(name):
            known = ", ".join(sorted(self._repository.job_names))
            raise CannotExecute(
                f"its code has no job {name!r}, only {known}; code server and workers "
                "must run the same version"
            )
        return self._repository.get_job(name)

    @contextmanager
    def _answering_for(self, run_id: str) -> Generator[None]:
        """Inside, whatever goes wrong leaves a run that has ended and says why."""
        try:
            yield
        finally:
            if error := sys.exception():
                run = self._instance.get_run_by_id(run_id)
                if run is not None and not run.is_finished:
                    why = str(error) if isinstance(error, CannotExecute) else repr(error)
                    self._instance.report_run_failed(run, f"A worker could not execute it: {why}")


@contextmanager
def watched(instance: dg.DagsterInstance, run_id: str) -> Generator[None]:
    """Inside, the process is interrupted once the run was terminated, or closed by the sweep."""
    main = threading.get_ident()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_EVERY):
            try:
                run = instance.get_run_by_id(run_id)
            except (SQLAlchemyError, DagsterPostgresException):
                continue  # the tables are away: a restart, a moment without connections
            if run is not None and run.status in STOPPED:
                if not over.is_set():
                    signal.pthread_kill(main, signal.SIGTERM)
                return

    watcher = threading.Thread(target=watch, name="watch-run", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
