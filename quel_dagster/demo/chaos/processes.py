"""What the processes of a chaos run do: a door lets jobs in as the daemon does, a hand runs them.

They are forked from a server that has imported this module, and so Dagster, once. Who starts them
and what is done to them is not known here.
"""

import os
import signal
import time
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

import dagster as dg

from quel_dagster import categories
from quel_dagster.demo.chaos.guards import Guard
from quel_dagster.demo.chaos.trapped import TrappedEnvironment
from quel_dagster.intake.tick import Tick
from quel_dagster.model.errors import Unavailable
from quel_dagster.outcomes import sweep
from quel_dagster.pipeline.runs import DagsterRuns
from quel_dagster.pipeline.studio import Studio

PAUSE = 0.2
"""Seconds between two ticks of a door; a tick waits for a ring besides."""
SWEEP_EVERY = 1.0
"""Seconds between two sweeps of a door."""
PATIENCE = 60.0
"""Seconds to wait for others who do something at the same time."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a process works: the folder of the stack, its addresses, and what it goes without."""

    home: Path
    variables: Mapping[str, str]
    removed: frozenset[Guard] = frozenset()

    @property
    def dagster_home(self) -> Path:
        """The folder of the Dagster instance."""
        return self.home / "dagster"

    @property
    def log(self) -> Path:
        """The folder with a file for the output of each process."""
        return self.home / "log"


@dataclass(frozen=True, kw_only=True)
class Request:
    """A run request on its way from a door to a hand."""

    path: str
    run_config: Mapping[str, object]
    tags: Mapping[str, str]


def make_tables(place: Place) -> None:
    """Makes Dagster's tables; several processes at once would stumble over each other."""
    with at_work(place), dagster_of(place):
        pass


def keep_door(place: Place, channel: "Connection[Request, None]") -> None:
    """Lets jobs in and sends each on as a run request, until the other end of the channel closes.

    What a tick or a sweep cannot do while a service is away is done by a later one.
    """
    by_path = {category.path: category for category in categories.load()}
    with at_work(place) as environment, dagster_of(place) as instance:
        worker = environment.settings.worker
        log = dg.get_dagster_logger()
        runs = DagsterRuns(instance)
        limits = {path: worker.path(path).max_workers for path in by_path}
        tick = Tick(environment.queue, environment.store, worker, lambda: limits, log)
        swept = 0.0
        while not channel.poll(PAUSE):
            with suppress(Unavailable):
                for reservation in tick.let_in():
                    channel.send(_request(by_path[reservation.path].run_request(reservation)))
                if time.monotonic() >= swept + SWEEP_EVERY:
                    sweep(environment.store, runs, environment.backends, worker, log)
                    swept = time.monotonic()


def run_jobs(place: Place, channel: "Connection[None, Request]") -> None:
    """Executes run requests one by one, and says when it is ready for the next, until it is told.

    The other end of the channel closes then.
    """
    by_path = {category.path: category for category in categories.load()}
    with at_work(place) as environment, dagster_of(place) as instance:
        resources = _resources(environment)
        with suppress(EOFError, BrokenPipeError):
            while True:
                channel.send(None)
                request = channel.recv()
                by_path[request.path].job.execute_in_process(
                    run_config=request.run_config,
                    tags=request.tags,
                    instance=instance,
                    resources=resources,
                    raise_on_error=False,
                )


def reserve_at_once(place: Place, barrier: Barrier, path: str) -> None:
    """Reserves what waits on a path at the same moment as others do, and asks for no run.

    The barrier is met twice: when everybody is ready, and when all are to reserve.
    """
    with at_work(place) as environment:
        store, limit = environment.store, environment.settings.worker.path(path).max_workers
        store.look([], timedelta(0), batch=1)
        barrier.wait(PATIENCE)
        barrier.wait(PATIENCE)
        waiting = [row for row in store.look([], timedelta(0), batch=50) if row.path == path]
        store.reserve(path, [(row.job_id, None) for row in waiting], limit)


@contextmanager
def at_work(place: Place) -> Generator[TrappedEnvironment]:
    """The process's clients. Its output goes to its log; an interrupt is for its parent to hear."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(place.variables)
    with (place.log / f"process-{os.getpid()}.log").open("wb", buffering=0) as output:
        for stream in (1, 2):
            os.dup2(output.fileno(), stream)
    with closing(TrappedEnvironment(place.variables, place.removed)) as environment:
        yield environment


def dagster_of(place: Place) -> dg.DagsterInstance:
    """The instance that keeps the runs of all processes."""
    return dg.DagsterInstance.from_config(str(place.dagster_home))


def _resources(environment: TrappedEnvironment) -> Mapping[str, object]:
    """What the ops ask for, as `quel_dagster.resources` names it."""
    return {
        "settings": environment.settings,
        "store": environment.store,
        "queue": environment.queue,
        "studio": Studio(
            store=environment.store,
            storage=environment.storage,
            backends=environment.backends,
            queue=environment.queue,
            settings=environment.settings,
        ),
    }


def _request(request: dg.RunRequest) -> Request:
    return Request(
        path=str(request.job_name), run_config=request.run_config, tags=dict(request.tags)
    )
