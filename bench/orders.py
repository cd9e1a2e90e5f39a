"""How fast orders become pictures on this machine: the embedded stack, one burst of orders.

Prints a table and writes .quel/bench/orders.json. Times are the database's; a figure from a shared
machine says something only beside another of the same run.
"""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import click
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from quel_dagster.demo.front_end import FrontEnd
from quel_dagster.demo.report import count, total
from quel_dagster.demo.samples import move_in, orders
from quel_dagster.demo.stack import Options, Stack
from quel_dagster.environment import Environment
from quel_dagster.services.tables import attempt, job

RESULT = Path(".quel/bench/orders.json")
PATIENCE = 900.0


@click.command()
@click.option("--orders", "number", default=30, show_default=True)
@click.option("--seconds", default=0.2, show_default=True, help="Time of one render.")
def main(number: int, seconds: float) -> None:
    """Places a burst of orders and measures from the row to the first op and to the last row."""
    with TemporaryDirectory() as folder, Stack(Path(folder), Options(seconds=seconds)) as stack:
        place = Environment(stack.environ)
        front_end = FrontEnd(place.engine, place.queue)
        customers = move_in(place.engine, place.storage)
        job_ids = [front_end.place(order) for order in orders(customers, number)]
        deadline = time.monotonic() + PATIENCE
        while not total(count(place.engine, job_ids)).is_final:
            if time.monotonic() > deadline:
                raise click.ClickException(f"not all orders were final after {PATIENCE:g} s")
            time.sleep(0.5)
        figures = measure(place.engine, job_ids)
        place.close()
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(figures, indent=2))
    table = Table("figure", "value", title=f"{number} orders, one burst, {seconds:g} s a render")
    for name, value in figures.items():
        table.add_row(name, f"{value:.1f}")
    Console().print(table)


def measure(engine: sa.Engine, job_ids: Sequence[UUID]) -> dict[str, float]:
    """Jobs a minute, and seconds from the row to the first op (p50, p95)."""
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
        .where(job.c.job_id.in_(job_ids))
    )
    with engine.connect() as connection:
        jobs, seconds, p50, p95 = connection.execute(query).one()
    return {
        "jobs_per_minute": jobs / float(seconds) * 60,
        "first_op_p50": float(p50),
        "first_op_p95": float(p95),
    }


if __name__ == "__main__":
    main()
