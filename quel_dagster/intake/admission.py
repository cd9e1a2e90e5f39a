"""The one way in: the limits that are in force, and a tick under them.

The sensor and `quel dispatch` are two doors to it; how a reservation becomes a run is theirs.
"""

import logging
from collections.abc import Collection

import dagster as dg

from quel_dagster.intake.limits import live_limits
from quel_dagster.intake.tick import Tick
from quel_dagster.model.job import Reservation
from quel_dagster.model.settings import WorkerSettings
from quel_dagster.services.queue import JobQueue
from quel_dagster.services.store import JobStore


def let_in(
    instance: dg.DagsterInstance,
    paths: Collection[str],
    queue: JobQueue,
    store: JobStore,
    settings: WorkerSettings,
    log: logging.Logger,
) -> list[Reservation]:
    """The jobs that may start now, each with a fresh ticket. Any number of doors may call it.

    Args:
        instance: whose pools say how many jobs of a path may run.
        paths: those that have a category.
        queue: the doorbell.
        store: the truth.
        settings: paths, first limits, patience.
        log: where it tells what it did.

    Raises:
        ConfigurationError: no category serves the fallback.
        Unavailable: PostgreSQL cannot be reached.
    """

    def limits() -> dict[str, int]:
        found = live_limits(instance, paths, settings)
        for change in store.limits.note(found):
            log.info(str(change))
        return found

    return Tick(queue, store, settings, limits, log).let_in()
