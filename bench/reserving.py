"""Processes that reserve waiting jobs at once, each as often as it can, for `tick.py`.

Each looks, reserves on every path and then closes what it got. How many jobs of a path were alive
at once is counted from what all of them noted: from when a process knew of a reservation to when
it began to close it, by the clock that the processes of a machine share.
"""

import multiprocessing
import random
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import accumulate
from multiprocessing.synchronize import Barrier
from uuid import UUID

import sqlalchemy as sa

from quel_dagster.intake.tick import ROWS_PER_PATH
from quel_dagster.model.job import Reservation, WaitingRow
from quel_dagster.services.database import connect
from quel_dagster.services.store import JobStore

PATHS = ("beauty", "cartoon", "cinema", "eats", "fashion", "modify")
LIMIT = 25
"""Jobs of a path that may be alive at once."""
PATIENCE = 120.0
"""Seconds until all processes are there."""
GRACE = timedelta(seconds=30)
LEASE = timedelta(seconds=60)

CLOSE_JOBS = """
    UPDATE quel_production_jobs SET job_status = 'completed', completed_at = now()
    WHERE job_id = ANY(CAST(:ids AS uuid[]))
"""
CLOSE_ATTEMPTS = """
    UPDATE quel.attempt SET phase = 'closed', leased_until = NULL
    WHERE job_id = ANY(CAST(:ids AS uuid[]))
"""


@dataclass(kw_only=True)
class Notes:
    """What one process did.

    Attributes:
        calls: seconds of each reservation, those that found the path full included.
        held: path, beginning and end of each job it held.
    """

    calls: list[float] = field(default_factory=list[float])
    held: list[tuple[str, float, float]] = field(default_factory=list[tuple[str, float, float]])


def at_once(url: str, processes: int, seconds: float) -> list[Notes]:
    """Has so many processes reserve, all beginning at the same moment."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(processes)
    with ProcessPoolExecutor(processes, context, initializer=meet, initargs=(start,)) as pool:
        return list(pool.map(reserve, [url] * processes, [seconds] * processes))


_start: Barrier | None = None


def meet(start: Barrier) -> None:
    """Tells a process where it will wait for the others."""
    global _start  # noqa: PLW0603 - a barrier reaches a process only while that is made
    _start = start


def reserve(url: str, seconds: float) -> Notes:
    """Looks, reserves and closes until the time is over."""
    engine = connect(url, pool_size=1)
    store = JobStore(engine, lease=LEASE, price=20)
    notes = Notes()
    store.look([], GRACE, 1)  # connects
    assert _start is not None
    _start.wait(PATIENCE)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        taken: list[tuple[float, Reservation]] = []
        for path, candidates in by_path(store.look([], GRACE, ROWS_PER_PATH)):
            began = time.monotonic()
            found = store.reserve(path, candidates, LIMIT)
            known = time.monotonic()
            notes.calls.append(known - began)
            taken += [(known, reservation) for reservation in found]
        let_go = time.monotonic()
        notes.held += [(each.path, known, let_go) for known, each in taken]
        close(engine, [reservation for _, reservation in taken])
    engine.dispose()
    return notes


def by_path(rows: Iterable[WaitingRow]) -> list[tuple[str, list[tuple[UUID, str | None]]]]:
    """The rows of paths that are served, as candidates of them, in any order of paths."""
    found: dict[str, list[tuple[UUID, str | None]]] = {path: [] for path in PATHS}
    for row in rows:
        if row.path in found:
            found[row.path].append((row.job_id, None))
    return random.sample(list(found.items()), len(found))


def close(engine: sa.Engine, reservations: Sequence[Reservation]) -> None:
    """The jobs are done, and their places free."""
    ids = [str(each.ticket.job_id) for each in reservations]
    with engine.begin() as tx:
        for statement in (CLOSE_JOBS, CLOSE_ATTEMPTS):
            tx.execute(sa.text(statement), {"ids": ids})


def summary(notes: Sequence[Notes], seconds: float) -> dict[str, float]:
    """What all processes together did in so many seconds."""
    calls = sorted(took for each in notes for took in each.calls)
    held = [job for each in notes for job in each.held]
    return {
        "reservations_per_second": round(len(held) / seconds, 1),
        "calls_per_second": round(len(calls) / seconds, 1),
        "call_ms_p50": round(1000 * calls[len(calls) // 2], 2),
        "call_ms_p95": round(1000 * calls[len(calls) * 95 // 100], 2),
        "most_alive": max(most_at_once(held).values()),
    }


def most_at_once(held: Iterable[tuple[str, float, float]]) -> dict[str, int]:
    """The most jobs of each path that were held at one moment."""
    changes: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for path, beginning, end in held:
        changes[path] += [(beginning, 1), (end, -1)]
    return {
        path: max(accumulate(change for _, change in sorted(of_path)))
        for path, of_path in changes.items()
    }
