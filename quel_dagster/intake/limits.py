"""How many jobs of a path may run at once: a Dagster pool of the path's name says it.

So an operator sees and changes it in the UI (Deployment > Concurrency) without a restart; 0 pauses
the path. The configuration says it only as long as there is no such pool.
"""

from collections.abc import Iterable

import dagster as dg

from quel_dagster.model.settings import WorkerSettings


def live_limits(
    instance: dg.DagsterInstance, paths: Iterable[str], settings: WorkerSettings
) -> dict[str, int]:
    """The limit of each path, by its pool; a pool that is missing is made from the settings.

    Jobs that run are not touched when a limit falls: none is let in until enough have ended.

    Args:
        instance: whose pools they are.
        paths: those that have a category.
        settings: the first values.
    """
    storage = instance.event_log_storage
    pools = {pool.name: pool.limit for pool in storage.get_pool_limits()}
    limits: dict[str, int] = {}
    for path in paths:
        if path not in pools:
            storage.set_concurrency_slots(path, settings.path(path).max_workers)
        limits[path] = pools.get(path, settings.path(path).max_workers)
    return limits
