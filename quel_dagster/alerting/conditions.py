"""What is alarming about the paths as a whole: too many failures, and waiting without an end.

Pure: counts and depths in, alerts out. A job that fails notes its alert itself, where it fails.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict

from quel_dagster.model.alert import Alert, AlertKind
from quel_dagster.model.alerting import AlertSettings
from quel_dagster.model.retouching import MODIFY
from quel_dagster.model.settings import UnknownPath, WorkerSettings
from quel_dagster.services.counters import Count, Counter
from quel_dagster.services.depths import Depth, Living

ENDS = {Counter.COMPLETED: False, Counter.FAILED: True}
"""The counts of jobs that ended by themselves, and whether they failed."""
EVERY = timedelta(minutes=1)
"""Between two snapshots: fine enough for a window of minutes."""


class Ended(BaseModel):
    """A path's jobs that ended by themselves since the first migration, and those that failed."""

    model_config = ConfigDict(frozen=True)

    jobs: int = 0
    failed: int = 0


class Snapshot(BaseModel):
    """The counts of every path at one moment."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    paths: dict[str, Ended]


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """One path right now; `limit` is 0 while it is paused."""

    path: str
    waiting: int
    oldest: timedelta
    living: int
    limit: int


def snapshot(at: datetime, counts: Iterable[Count], not_ours: Collection[str]) -> Snapshot:
    """What the counters say of ended jobs, those aside whose kind of failure does not count."""
    paths: dict[str, Ended] = {}
    for count in counts:
        if count.name in ENDS and not (ENDS[count.name] and count.kind in not_ours):
            known = paths.get(count.path, Ended())
            failed = count.n if ENDS[count.name] else 0
            paths[count.path] = Ended(jobs=known.jobs + count.n, failed=known.failed + failed)
    return Snapshot(at=at, paths=paths)


def remembered(
    history: Sequence[Snapshot], now: Snapshot, window: timedelta
) -> tuple[Snapshot, ...]:
    """The snapshots to keep: one a minute, and one from before the window to count from."""
    kept = list(history)
    while len(kept) > 1 and kept[1].at <= now.at - window:
        del kept[0]
    if not kept or now.at - kept[-1].at >= EVERY:
        kept.append(now)
    return tuple(kept)


def too_many_failures(since: Snapshot, now: Snapshot, settings: AlertSettings) -> list[Alert]:
    """An alert for each path of whose jobs too large a share failed since a snapshot."""
    found: list[Alert] = []
    for path, total in now.paths.items():
        before = since.paths.get(path, Ended())
        jobs, failed = total.jobs - before.jobs, total.failed - before.failed
        if jobs < settings.failure_jobs or failed < settings.failure_rate * jobs:
            continue
        minutes = max(1, round((now.at - since.at).total_seconds() / 60))
        told = (
            f"{failed} of {jobs} {path} jobs failed in the last {minutes} min; look at the runs "
            f"tagged quel/path={path} and at the back ends (quel status)."
        )
        kind = AlertKind.FAILURE_RATE
        found.append(Alert(event=_hourly(kind, path, now.at), kind=kind, path=path, told=told))
    return found


def traffic(
    depths: Iterable[Depth],
    living: Iterable[Living],
    limits: Mapping[str, int],
    worker: WorkerSettings,
) -> list[Traffic]:
    """The paths that are open and have jobs waiting.

    Args:
        depths: what waits, by the path that rows name.
        living: what holds a place.
        limits: of every path that is served.
        worker: which paths are open, and where rows go that name none of them.
    """
    alive = dict.fromkeys(limits, 0)
    for each in living:
        alive[each.path] = alive.get(each.path, 0) + each.count
    waiting: dict[str, list[Depth]] = {}
    for depth in depths:
        path = served_by(depth.path, limits, worker)
        if path and path in limits and worker.path(path).enabled:
            waiting.setdefault(path, []).append(depth)
    return [
        Traffic(
            path=path,
            waiting=sum(depth.waiting for depth in found),
            oldest=max(depth.oldest for depth in found),
            living=alive[path],
            limit=limits[path],
        )
        for path, found in waiting.items()
    ]


def served_by(named: str | None, served: Collection[str], worker: WorkerSettings) -> str | None:
    """The path that serves rows which name one; None where nobody here does."""
    path = (named or "").strip().lower()
    if path in served or path in worker.ignored_paths:
        return path
    if path:
        takes_all = worker.fallback.unknown_path_behavior is UnknownPath.USE_DEFAULT
    else:
        # Where nobody here retouches, pictures to be retouched wait among them for another system.
        takes_all = MODIFY in served and worker.path(MODIFY).enabled
    return worker.fallback.default_path if takes_all else None


def no_capacity(paths: Iterable[Traffic], at: datetime, settings: AlertSettings) -> list[Alert]:
    """An alert for each path whose jobs grow old while none of them runs; a paused one is fine."""
    kind = AlertKind.NO_CAPACITY
    return [
        Alert(
            event=_hourly(kind, each.path, at),
            kind=kind,
            path=each.path,
            told=f"{each.waiting} {each.path} jobs wait, the oldest for "
            f"{round(each.oldest.total_seconds() / 60)} min, and none runs although "
            f"{each.limit} may; look at the daemon, the workers and the sensor job_queue.",
        )
        for each in paths
        if each.limit and not each.living and each.oldest > settings.longest_wait
    ]


def _hourly(kind: AlertKind, path: str, at: datetime) -> str:
    """An event of its own for every hour in which it lasts: a reminder, and no flood."""
    return f"{kind}/{path}/{at.astimezone(UTC):%Y-%m-%dT%H}"
