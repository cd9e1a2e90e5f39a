"""The backfill against one plain UPDATE over the same rows, both on copies of one table.

Orders are placed and rows updated while the backfill runs, and nobody may wait for a lock for more
than a second; the plain UPDATE, before and after, has the server to itself. Prints a table, writes
.quel/bench/backfill.json, and ends with 1 where a figure is not met. Times on a shared machine say
something only beside each other.
"""

import random
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event

import click
import sqlalchemy as sa
from databases import FOREVER, database, filling, server
from results import Target, console, judge, keep
from rich.table import Table

from quel_dagster.demo.postgres import Postgres
from quel_dagster.maintenance.backfill import BackfillConfig
from quel_dagster.services.backfill import PATH, fill
from quel_dagster.services.database import connect

JOBS = "quel_production_jobs"
LEAST_RATIO = 0.6
LONGEST_WAIT = 1.0
PACE = 0.02
"""Seconds between two statements of a writer beside the backfill."""

ROWS = """
    WITH photo AS (INSERT INTO quel_production_photo DEFAULT VALUES RETURNING production_id)
    INSERT INTO quel_production_jobs (production_id, job_type, batch_index, total_images,
        job_input_data, job_status, created_at, started_at, completed_at, updated_at)
    SELECT photo.production_id, 'single_batch', 0, 1,
        jsonb_build_object('basePrompt', repeat('a suit in the sun ', 20), 'n', n), 'completed',
        born.at, born.at + interval '1 min', born.at + interval '2 min', born.at
    FROM photo, generate_series(1, :rows) AS n,
        LATERAL (SELECT now() - interval '2 years' + n * interval '20 s' AS at) AS born
"""
PLACE = f"""
    INSERT INTO {JOBS} (production_id, job_type, batch_index, total_images, job_input_data)
    SELECT production_id, 'single_batch', 1, 1, '{{}}' FROM quel_production_photo LIMIT 1
"""
TOUCH = f"""
    UPDATE {JOBS} SET retry_count = 1 WHERE job_id =
        (SELECT job_id FROM {JOBS} WHERE job_id >= CAST(:start AS uuid) ORDER BY job_id LIMIT 1)
"""


@click.command()
@click.option("--rows", default=200_000, show_default=True, help="The contract says 2000000.")
def main(rows: int) -> None:
    """Builds a table, copies it twice, and fills one copy each way."""
    with server() as (postgres, _):
        build(postgres, rows)
        before = measure_plainly(postgres)
        with copy(postgres, "ours") as engine, load(engine) as waits:
            ours = rate_of(backfill, engine)
        plain = (before + measure_plainly(postgres)) / 2
    figures = {
        "rows": rows,
        "plain_rows_per_second": plain,
        "backfill_rows_per_second": ours,
        "ratio": ours / plain,
        "statements_beside": waits.count,
        "longest_wait_seconds": waits.longest,
    }
    keep("backfill", figures)
    table = Table("figure", "value", title=f"the backfill of {rows} rows, beside live traffic")
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), f"{value:,.2f}".removesuffix(".00"))
    console().print(table)
    judge(
        Target(
            name="rows a second, to a plain UPDATE", value=round(ours / plain, 2), least=LEAST_RATIO
        ),
        Target(
            name="longest statement beside it, s", value=round(waits.longest, 3), most=LONGEST_WAIT
        ),
    )


def build(postgres: Postgres, rows: int) -> None:
    """The table that is copied, with every index."""
    with database(postgres, "base") as engine, filling(engine, JOBS) as connection:
        connection.execute(sa.text(ROWS), {"rows": rows})


@contextmanager
def copy(postgres: Postgres, name: str) -> Generator[sa.Engine]:
    """A copy of the table in a database of its own, all of it on disk."""
    postgres.execute(f"CREATE DATABASE {name} TEMPLATE base STRATEGY file_copy")
    postgres.execute("CHECKPOINT")
    engine = connect(postgres.url(name), statement_timeout=FOREVER)
    yield engine
    engine.dispose()
    postgres.execute(f"DROP DATABASE {name}")


def rate_of(work: Callable[[sa.Engine], int], engine: sa.Engine) -> float:
    """Rows a second."""
    began = time.monotonic()
    return work(engine) / (time.monotonic() - began)


def measure_plainly(postgres: Postgres) -> float:
    """Before and after ours, so that a machine that changes its mood favours neither."""
    with copy(postgres, "plain") as engine:
        return rate_of(update_plainly, engine)


def update_plainly(engine: sa.Engine) -> int:
    with engine.begin() as tx:
        return tx.execute(
            sa.text(
                f"UPDATE {JOBS} SET quel_production_path = '{PATH}' "
                "WHERE quel_production_path IS NULL"
            )
        ).rowcount


def backfill(engine: sa.Engine) -> int:
    """As the launchpad offers it."""
    *_, last = fill(engine, JOBS, BackfillConfig().terms, print)
    return last.done


@dataclass
class Waits:
    """How long the statements of the writers took, which is more than they waited for locks."""

    count: int = 0
    longest: float = 0.0

    def note(self, seconds: float) -> None:
        self.count += 1
        self.longest = max(self.longest, seconds)


@contextmanager
def load(engine: sa.Engine) -> Generator[Waits]:
    """Two writers that place orders and change old rows, until the block ends."""
    waits, stop = Waits(), Event()
    source = random.Random(1)

    def keep(statement: str) -> None:
        while not stop.wait(PACE):
            start = f"{source.getrandbits(128):032x}"
            began = time.monotonic()
            with engine.begin() as tx:
                tx.execute(sa.text(statement), {"start": start} if ":start" in statement else {})
            waits.note(time.monotonic() - began)

    with ThreadPoolExecutor(2) as threads:
        writers = [threads.submit(keep, statement) for statement in (PLACE, TOUCH)]
        try:
            yield waits
        finally:
            stop.set()
    for writer in writers:
        writer.result()


if __name__ == "__main__":
    main()
