"""The kill matrix from end to end: fault after fault on one site, each counted when it is over.

What the counts look like on a screen or in a file stands in `report`.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from quel_dagster.demo.chaos import counting
from quel_dagster.demo.chaos.book import payer
from quel_dagster.demo.chaos.counting import Finding, Totals, Wrong
from quel_dagster.demo.chaos.crew import Crew
from quel_dagster.demo.chaos.faults import Fault
from quel_dagster.demo.chaos.scene import Scene
from quel_dagster.demo.chaos.site import Site
from quel_dagster.services import statements
from quel_dagster.services.database import reaching_postgres
from quel_dagster.services.reconcile import Reconciliation, reconcile

SWEPT_IN = 30.0
"""Seconds in which the sweep must have closed the runs of dead processes."""
LOOK_EVERY = 0.5
"""Seconds; the rows are all there is to look at."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """A fault and what became of its jobs. `executed` counts renders, `seconds` is what it took."""

    fault: Fault
    totals: Totals
    executed: int
    seconds: float
    findings: Sequence[Finding]

    @property
    def wasted(self) -> int:
        """Renders that made no picture."""
        return max(0, self.executed - self.totals.pictures)


@dataclass(frozen=True, kw_only=True)
class Afterwards:
    """What all faults together have left behind.

    Attributes:
        unfinished_runs: runs that Dagster shows as under way although every job has ended.
        books: what `quel reconcile` says.
    """

    unfinished_runs: int
    books: Reconciliation

    @property
    def is_whole(self) -> bool:
        """Whether that is nothing."""
        return not self.unfinished_runs and not self.books.errors

    def __str__(self) -> str:
        return (
            f"quel reconcile: {self.books.payers} payers, {self.books.pictures} pictures, "
            f"{self.books.errors} errors; {self.unfinished_runs} runs of ended jobs left open"
        )


def run(site: Site, crew: Crew, faults: Sequence[Fault], jobs: int) -> Iterator[Result]:
    """Lets the faults happen one after the other, each to its share of the jobs."""
    for fault, number in shares(faults, jobs):
        yield play(site, crew, fault, number)


def play(site: Site, crew: Crew, fault: Fault, number: int) -> Result:
    """Lets one fault happen to so many jobs, and counts what became of them."""
    started = time.monotonic()
    scene = Scene(site, crew, fault, number)
    scene.play()
    return count(site, scene, time.monotonic() - started)


def look_back(site: Site, crew: Crew) -> Afterwards:
    """Looks at everything once more, when all faults are over and the sweep has had its time."""
    crew.arrange(doors=2, copies=1)
    deadline = time.monotonic() + SWEPT_IN
    while (open_runs := _unfinished_runs(site)) and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY)
    return Afterwards(unfinished_runs=open_runs, books=reconcile(site.engine))


def shares(faults: Sequence[Fault], jobs: int) -> list[tuple[Fault, int]]:
    """Each fault with its number of jobs, so that together they have as many as wanted."""
    left, found = jobs, list[tuple[Fault, int]]()
    by_need = sorted(faults, key=lambda fault: fault.most_jobs)
    for place, fault in enumerate(by_need):
        number = max(1, min(fault.most_jobs, -(-left // (len(by_need) - place))))
        left -= number
        found.append((fault, number))
    return sorted(found, key=lambda share: faults.index(share[0]))


def count(site: Site, scene: Scene, seconds: float) -> Result:
    """What became of a scene's jobs."""
    name = scene.fault.name
    totals = counting.total(site.engine, name)
    executed = site.renderers.executed(scene.job_ids)
    findings = [
        *counting.in_rows(site.engine, name),
        *counting.in_bucket(site.engine, name, _stored(site, name)),
        *counting.in_logs(executed, totals.pictures),
    ]
    findings = [found for found in findings if found.wrong not in scene.fault.may_be]
    if scene.fault.points and not totals.strikes:
        what = f"no job came to the point {scene.fault.points[0]!r}"
        findings.append(Finding(wrong=Wrong.NOT_STRUCK, job_id=None, what=what))
    return Result(
        fault=scene.fault,
        totals=totals,
        executed=len(executed),
        seconds=seconds,
        findings=findings,
    )


def _stored(site: Site, fault: str) -> list[str]:
    """The keys of all pictures that were made for those who pay for a fault."""
    members = sa.select(payer.c.payer_id).where(payer.c.fault == fault)
    with reaching_postgres(), site.engine.connect() as connection:
        found: Sequence[UUID] = connection.scalars(members).all()
    return [key for each in found for key in site.stored(f"generated-images/user-{each}/")]


def _unfinished_runs(site: Site) -> int:
    with reaching_postgres(), site.engine.connect() as connection:
        return connection.scalar(statements.load("unfinished_runs", "chaos")) or 0
