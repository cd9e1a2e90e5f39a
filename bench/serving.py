"""Has a subject serve orders, and tells how fast that was and what it used."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import click
import sqlalchemy as sa
from subjects import Subject

from quel_dagster.demo.front_end import FrontEnd
from quel_dagster.demo.report import count, total
from quel_dagster.services.tables import attempt, job

PATIENCE = 900.0
"""Seconds until all orders of a series must be final."""
RENDERS = ("comfyui-1", "comfyui-2", "s3")
"""Parts that a real house has elsewhere: what they use is shown and not counted."""
UNFINISHED = """
    SELECT count(*) FROM runs WHERE status NOT IN ('SUCCESS', 'FAILURE', 'CANCELED')
"""

Figures = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Used:
    """What the parts used while something was done.

    Attributes:
        seconds: how long that took.
        cpu: seconds of CPU of each part.
    """

    seconds: float
    cpu: Mapping[str, float]

    def each(self, number: float) -> dict[str, float]:
        """The part's CPU for each of so many, which may be seconds or jobs."""
        return {part: round(used / number, 4) for part, used in self.cpu.items()}


def counted(cpu: Mapping[str, float]) -> float:
    """The parts that count, together."""
    return round(sum(used for part, used in cpu.items() if part not in RENDERS), 4)


def using(subject: Subject, work: Callable[[], object]) -> Used:
    """What the parts use meanwhile."""
    began, before = time.monotonic(), subject.cpu()
    work()
    after = subject.cpu()
    return Used(
        seconds=time.monotonic() - began,
        cpu={part: used - before[part] for part, used in after.items()},
    )


def to_the_end(subject: Subject, number: int, pause: float) -> Figures:
    """Serves, and waits until the runs have ended too, which they do a moment after their jobs."""
    figures = serve(subject, number, pause)
    if not subject.has_runs:
        return figures
    deadline = time.monotonic() + PATIENCE
    with subject.place.dagster_engine.connect() as connection:
        while connection.exec_driver_sql(UNFINISHED).scalar_one():
            if time.monotonic() > deadline:
                raise click.ClickException(f"not all runs had ended after {PATIENCE:g} s")
            time.sleep(0.1)
    return figures


def serve(subject: Subject, number: int, pause: float) -> Figures:
    """Places orders, one every so many seconds, and waits until all are final."""
    place = subject.place
    front_end = FrontEnd(place.engine, place.queue)
    begun = time.monotonic()
    job_ids: list[UUID] = []
    for position in range(number):
        time.sleep(max(0.0, begun + position * pause - time.monotonic()))
        job_ids.append(front_end.place(next(subject.orders)))
    while not total(count(place.engine, job_ids)).is_final:
        if time.monotonic() > begun + number * pause + PATIENCE:
            raise click.ClickException(f"not all orders were final after {PATIENCE:g} s")
        subject.serve()
        time.sleep(0.2)
    return figures_of(place.engine, job_ids)


def figures_of(engine: sa.Engine, job_ids: Sequence[UUID]) -> Figures:
    """Jobs a minute from the first order to the last end; order to first op."""
    waited = sa.func.extract("epoch", attempt.c.started_at - job.c.created_at)
    span = sa.func.extract("epoch", sa.func.max(job.c.completed_at) - sa.func.min(job.c.created_at))
    query = (
        sa.select(
            sa.func.count(),
            span,
            sa.func.percentile_cont(0.5).within_group(waited),
            sa.func.percentile_cont(0.95).within_group(waited),
        )
        .select_from(sa.join(job, attempt, job.c.job_id == attempt.c.job_id))
        .where(job.c.job_id.in_(job_ids), job.c.job_status == "completed")
    )
    with engine.connect() as connection:
        jobs, seconds, p50, p95 = connection.execute(query).one()
    if jobs != len(job_ids):
        raise click.ClickException(f"only {jobs} of {len(job_ids)} orders were completed")
    return {
        "jobs_per_minute": round(jobs / float(seconds) * 60, 1),
        "first_op_p50": round(float(p50), 2),
        "first_op_p95": round(float(p95), 2),
    }
