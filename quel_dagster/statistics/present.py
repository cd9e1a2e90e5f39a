"""How each path stands at this moment: what waits, what runs, how fast it comes and goes."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from quel_dagster.model.job import NO_PATH
from quel_dagster.model.settings import WorkerSettings
from quel_dagster.services.depths import Depth, Depths
from quel_dagster.services.limits import Limits
from quel_dagster.services.path_hours import HOUR, PathHour, PathHours

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One path now. `arrived` and `ended` are of the last hour; no limit: nobody serves it."""

    path: str
    waiting: int = 0
    oldest: timedelta = timedelta(0)
    running: int = 0
    limit: int | None = None
    arrived: int = 0
    ended: int = 0

    @property
    def drains_in(self) -> timedelta | None:
        """Until nothing waits, if it goes on as in the last hour; None where it never will.

        What has waited for less than a minute is about to be let in.
        """
        if self.oldest < MINUTE:
            return timedelta(0)
        if self.ended <= self.arrived:
            return None
        return HOUR * self.waiting / (self.ended - self.arrived)


def standings(
    engine: sa.Engine, served: Collection[str], settings: WorkerSettings, now: datetime
) -> list[Standing]:
    """Every path that has a category, then those besides on which something waits or happened.

    Raises:
        Unavailable: PostgreSQL cannot be reached.
    """
    depths = waiting(Depths(engine).waiting(), settings)
    running: Counter[str] = Counter()
    for living in Depths(engine).living():
        running[living.path] += living.count
    limits = {path: limit_of(path, settings) for path in served} | Limits(engine).read()
    lately = {each.path: each for each in PathHours(engine).measure(now - HOUR, now)}
    others = sorted({*depths, *lately}.difference(served, settings.ignored_paths))
    silent = PathHour(path="", hour=now)
    return [
        Standing(
            path=path,
            waiting=depths[path].waiting if path in depths else 0,
            oldest=depths[path].oldest if path in depths else timedelta(0),
            running=running[path],
            limit=limits.get(path),
            arrived=lately.get(path, silent).arrived,
            ended=lately.get(path, silent).ended,
        )
        for path in (*served, *others)
    ]


def waiting(depths: Collection[Depth], settings: WorkerSettings) -> dict[str, Depth]:
    """What waits, by path as categories spell it; what another system serves is left out."""
    merged: dict[str, Depth] = {}
    for each in depths:
        path = (each.path or "").strip().lower() or NO_PATH
        if path in settings.ignored_paths:
            continue
        known = merged.get(path, Depth(path=path, waiting=0, oldest=timedelta(0)))
        merged[path] = Depth(
            path=path,
            waiting=known.waiting + each.waiting,
            oldest=max(known.oldest, each.oldest),
        )
    return merged


def limit_of(path: str, settings: WorkerSettings) -> int:
    """A path's limit as configured, as long as no front door has noted the one in force."""
    found = settings.path(path)
    return found.max_workers if found.enabled else 0
