"""Jobs a minute and seconds from order to first op: ours, stock Dagster, and one warm process.

Prints a table and writes .quel/bench/launch.json. Times are the database's. A figure from a shared
machine says something only beside the others of the same run.
"""

import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import click
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table
from subjects import Subject, floor, ours, stock

from quel_dagster.demo.front_end import FrontEnd
from quel_dagster.demo.report import count, total
from quel_dagster.services.tables import attempt, job

RESULT = Path(".quel/bench/launch.json")
PATIENCE = 900.0
"""Seconds until all orders of a series must be final."""
RENDERS = ("comfyui-1", "comfyui-2", "s3")
"""Parts that a real house has elsewhere: what they use is not counted."""

Figures = dict[str, float]
SUBJECTS: dict[str, Callable[[Path], AbstractContextManager[Subject]]] = {
    "ours": ours,
    "stock": stock,
    "floor": floor,
}


@click.command()
@click.option("--burst", default=100, show_default=True, help="Orders placed at once.")
@click.option("--stock-burst", default=30, show_default=True, help="Orders of stock Dagster's.")
@click.option("--steady", default=40, show_default=True, help="Orders placed one a second.")
@click.option("--sparse", default=6, show_default=True, help="Orders placed one every 10 s.")
@click.option("--only", type=click.Choice(list(SUBJECTS)), multiple=True, help="Measure these.")
def main(burst: int, stock_burst: int, steady: int, sparse: int, only: tuple[str, ...]) -> None:
    """Measures one subject after the other, in the same way."""
    results: dict[str, dict[str, object]] = {}
    for name in only or SUBJECTS:
        with TemporaryDirectory(prefix="quel-bench-") as folder:
            os.environ.pop("QUEL_CONFIG", None)
            with SUBJECTS[name](Path(folder) / "home") as subject:
                number = stock_burst if name == "stock" else burst
                results[name] = measure(name, subject, number, steady, sparse)
        if len(results) == len(SUBJECTS):
            results["ratios"] = ratios(results)
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(json.dumps(results, indent=2))
    show(results)


def measure(name: str, subject: Subject, burst: int, steady: int, sparse: int) -> dict[str, object]:
    """A warm-up, a burst, and orders one by one; one process has no use for the latter."""
    serve(subject, 4, 0)
    before = subject.cpu()
    figures: dict[str, object] = {"burst": (all_at_once := serve(subject, burst, 0))}
    used = {part: (after - before[part]) / burst for part, after in subject.cpu().items()}
    figures["cpu_per_job"] = {part: round(value, 3) for part, value in used.items()}
    counted = sum(value for part, value in used.items() if part not in RENDERS)
    one_by_one = all_at_once
    if name != "floor":
        figures["steady"] = one_by_one = serve(subject, steady, 1)
        figures["sparse"] = serve(subject, sparse, 10)
    return {
        "jobs_per_minute": all_at_once["jobs_per_minute"],
        "first_op_p50": one_by_one["first_op_p50"],
        "first_op_p95": one_by_one["first_op_p95"],
        "cpu_seconds_per_job": counted,
        **figures,
    }


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


def ratios(results: dict[str, dict[str, object]]) -> dict[str, object]:
    """What the figures are judged by."""
    speed = {name: float(str(found["jobs_per_minute"])) for name, found in results.items()}
    return {
        "ours_to_stock": round(speed["ours"] / speed["stock"], 1),
        "ours_to_floor": round(speed["ours"] / speed["floor"], 2),
    }


def show(results: dict[str, dict[str, object]]) -> None:
    """Prints the table."""
    columns = ("jobs_per_minute", "first_op_p50", "first_op_p95", "cpu_seconds_per_job")
    table = Table("", *columns, title=f"{os.cpu_count()} processors")
    for name in (name for name in SUBJECTS if name in results):
        table.add_row(name, *(f"{float(str(results[name][column])):.2f}" for column in columns))
    Console().print(table)
    Console().print(results.get("ratios", ""))


if __name__ == "__main__":
    main()
