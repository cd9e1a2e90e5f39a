"""Plain values as Prometheus families: what each figure is called and how it is labelled.

Where the values come from is decided in `metrics`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from quel_dagster.intake.routing import NO_PATH, plain
from quel_dagster.model.settings import WorkerSettings
from quel_dagster.model.status import Phase
from quel_dagster.services.counters import BEYOND, BOUNDS, Count, Counter
from quel_dagster.services.depths import Depth, Living

UNKNOWN = "unknown"
"""Stands for every path that nobody serves, so that no customer's spelling becomes a series."""

COUNTED: Mapping[Counter, tuple[str, str, tuple[str, ...]]] = {
    Counter.COMPLETED: ("quel_jobs_completed", "Jobs that ended with pictures.", ("path", "kind")),
    Counter.FAILED: ("quel_jobs_failed", "Jobs that ended without a picture.", ("path", "kind")),
    Counter.CANCELLED: ("quel_jobs_cancelled", "Jobs that were cancelled.", ("path",)),
    Counter.RING_DROPPED: ("quel_rings_dropped", "Rings that nothing followed.", ("reason",)),
    Counter.TICKET_LOST: ("quel_tickets_lost", "Attempts taken over by another.", ("path", "step")),
}
"""Name, help and labels. Of the two that a count has, path comes first and kind last."""

TIMED: Mapping[Counter, tuple[str, str]] = {
    Counter.WAIT: ("quel_job_wait_seconds", "From order to first start."),
    Counter.RUN: ("quel_job_run_seconds", "From first start to the end, waits between included."),
}
"""Name and help."""


def waiting(
    depths: Iterable[Depth], served: Collection[str], settings: WorkerSettings
) -> Iterator[Metric]:
    """Jobs that wait, by the path their row names: `none` where it names none."""
    jobs = dict.fromkeys(served, 0)
    oldest = dict.fromkeys(served, 0.0)
    for depth in depths:
        path = plain(depth.path) or NO_PATH
        if path in settings.ignored_paths:
            continue
        label = path if path in served or path == NO_PATH else UNKNOWN
        jobs[label] = jobs.get(label, 0) + depth.waiting
        oldest[label] = max(oldest.get(label, 0.0), depth.oldest.total_seconds())
    yield gauge("quel_jobs_waiting", "Jobs that wait, up to 10 000 a path.", "path", jobs)
    yield gauge("quel_oldest_waiting_seconds", "Age of the oldest of them.", "path", oldest)


def running(
    living: Iterable[Living],
    served: Collection[str],
    noted: Mapping[str, int],
    settings: WorkerSettings,
) -> Iterator[Metric]:
    """What holds a place on each path, and how many places there are.

    Args:
        living: the attempts.
        served: the paths.
        noted: the limits in force; where no tick has noted one yet, the configured one will be.
        settings: which paths are open, and the configured limits.
    """
    counts = {phase: dict.fromkeys(served, 0) for phase in (Phase.RESERVED, Phase.STARTED)}
    for each in living:
        counts[each.phase][each.path] = each.count
    paths = {path: settings.path(path) for path in served}
    limits = {
        path: noted.get(path, found.max_workers) if found.enabled else 0
        for path, found in paths.items()
    }
    reserved, started = counts[Phase.RESERVED], counts[Phase.STARTED]
    yield gauge("quel_jobs_reserved", "Jobs let in whose run is to begin.", "path", reserved)
    yield gauge("quel_jobs_running", "Jobs that a run holds.", "path", started)
    yield gauge("quel_jobs_limit", "Jobs that may be let in or run at once.", "path", limits)


def counted(counts: Iterable[Count]) -> Iterator[Metric]:
    """What happened so often since the first migration."""
    families = {
        counter: CounterMetricFamily(name, about, labels=labels)
        for counter, (name, about, labels) in COUNTED.items()
    }
    for each in counts:
        if each.name in families:
            named = {"path": each.path}
            labels = COUNTED[each.name][2]
            values = [named.get(label, each.kind) for label in labels]
            families[each.name].add_metric(values, each.n)
    yield from families.values()


def timed(counts: Iterable[Count]) -> Iterator[Metric]:
    """How long jobs waited and ran."""
    by_path: defaultdict[Counter, defaultdict[str, list[Count]]]
    by_path = defaultdict(lambda: defaultdict(list))
    for each in counts:
        by_path[each.name][each.path].append(each)
    for counter, (name, about) in TIMED.items():
        family = HistogramMetricFamily(name, about, labels=["path"])
        for path, spans in by_path[counter].items():
            total = sum(each.seconds for each in spans)
            family.add_metric([path], buckets=cumulative(spans), sum_value=total)
        yield family


def cumulative(spans: Iterable[Count]) -> list[tuple[str, float]]:
    """The buckets of a histogram: each counts all spans up to its bound."""
    found = {each.kind: each.n for each in spans}
    bounds = sorted({*map(str, BOUNDS), *found, BEYOND}, key=float)
    sums: list[tuple[str, float]] = []
    so_far = 0
    for bound in bounds:
        so_far += found.get(bound, 0)
        sums.append((bound if bound == BEYOND else str(float(bound)), so_far))
    return sums


def gauge(name: str, about: str, label: str, values: Mapping[str, float]) -> Metric:
    """One value for each label."""
    family = GaugeMetricFamily(name, about, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
