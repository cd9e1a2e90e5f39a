"""What one hour of statistics costs beside a short history and beside a long one; the same hour.

Prints a table, writes .quel/bench/path_hours.json, and ends with 1 where the target is missed. The
ratio is what counts: times are those of a shared machine.
"""

import time
from contextlib import ExitStack
from datetime import UTC, datetime
from statistics import median

import click
import sqlalchemy as sa
from databases import database, filling, server
from results import Target, console, judge, keep
from rich.table import Table

from quel_dagster.demo.postgres import UNSAFE_BUT_FAST
from quel_dagster.services.path_hours import HOUR, PathHours

MOST_RATIO = 1.5
PATHS = ("beauty", "cartoon", "cinema", "eats", "fashion", "modify")
PER_HOUR = 2000
"""Jobs of one hour, that which is measured as well as every other."""

TABLES = ("public.quel_production_jobs", "quel.attempt", "quel.slot")
FILL = (
    """
    WITH photo AS (INSERT INTO quel_production_photo DEFAULT VALUES RETURNING production_id)
    INSERT INTO quel_production_jobs (production_id, job_type, batch_index, total_images,
        completed_images, job_input_data, job_status, quel_production_path, created_at, started_at,
        completed_at)
    SELECT photo.production_id, 'single_batch', 0, 1, 1, '{"basePrompt": "linen suit"}',
        CASE WHEN n % 20 = 0 THEN 'failed' ELSE 'completed' END::job_status_enum,
        (CAST(:paths AS text[]))[1 + n % 6], born.at,
        born.at + n % 50 * interval '1 s', born.at + n % 50 * interval '2 s'
    FROM photo, generate_series(:first, :last) AS n,
        LATERAL (
            SELECT CAST(:until AS timestamptz) - n * interval '1 hour' / :per_hour
        ) AS born (at)
    ORDER BY born.at
    """,
    """
    INSERT INTO quel.attempt (job_id, path, attempt, claim_id, phase, failure)
    SELECT job_id, quel_production_path, 1, gen_random_uuid(), 'closed',
        CASE job_status WHEN 'failed' THEN 'backend_away' END
    FROM quel_production_jobs
    WHERE created_at < CAST(:until AS timestamptz) - (:first - 1) * interval '1 hour' / :per_hour
    """,
    """
    INSERT INTO quel.slot (job_id, slot, state, s3_key, attach_id, charged, delivered_at,
        render_seconds)
    SELECT job_id, 0, 'delivered', 'a.webp',
        row_number() OVER () + (SELECT coalesce(max(attach_id), 0) FROM quel.slot), 20,
        completed_at, 1.5
    FROM quel_production_jobs
    WHERE job_status = 'completed'
        AND created_at < CAST(:until AS timestamptz) - (:first - 1) * interval '1 hour' / :per_hour
    """,
)


@click.command()
@click.option("--short", default=50_000, show_default=True, help="Jobs of the short history.")
@click.option("--long", default=5_000_000, show_default=True, help="Jobs of the long one.")
@click.option("--rounds", default=25, show_default=True)
def main(short: int, long: int, rounds: int) -> None:
    """Builds both histories on one server and counts the newest hour of each, in turn."""
    with (
        server(*UNSAFE_BUT_FAST, "maintenance_work_mem=512MB") as (postgres, _),
        ExitStack() as exits,
    ):
        few, many = (exits.enter_context(database(postgres, name)) for name in ("short", "long"))
        for engine, jobs in ((few, short), (many, long)):
            began = time.monotonic()
            fill(engine, 1, jobs)
            console().print(f"{jobs:,} jobs, built in {time.monotonic() - began:.0f} s")
        pairs = [(measure(few), measure(many)) for _ in range(rounds + 1)][1:]
    before, after = (median(times) for times in zip(*pairs, strict=True))
    ratio = median(long_one / short_one for short_one, long_one in pairs)
    figures = {"short": short, "long": long, "jobs_of_the_hour": PER_HOUR, "ratio": ratio}
    keep("path_hours", {**figures, "short_ms": before * 1000, "long_ms": after * 1000})
    table = Table("jobs in the table", "one hour", title=f"{PER_HOUR:,} jobs in the hour")
    table.add_row(f"{short:,}", f"{before * 1000:.1f} ms")
    table.add_row(f"{long:,}", f"{after * 1000:.1f} ms")
    console().print(table)
    judge(Target(name="one hour, long history to short", value=round(ratio, 2), most=MOST_RATIO))


def newest() -> datetime:
    """The hour that is measured: the one before the running one."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - HOUR


UNTIL = newest() + HOUR


def fill(engine: sa.Engine, first: int, last: int) -> None:
    """Adds jobs, back from the newest hour."""
    values = {
        "first": first,
        "last": last,
        "until": UNTIL,
        "per_hour": PER_HOUR,
        "paths": list(PATHS),
    }
    with filling(engine, *TABLES) as connection:
        for statement in FILL:
            connection.execute(sa.text(statement), values)


def measure(engine: sa.Engine) -> float:
    """Seconds to count the newest hour and keep it."""
    began = time.perf_counter()
    rows = PathHours(engine).refresh(UNTIL - HOUR, PATHS)
    took = time.perf_counter() - began
    assert sum(row.arrived for row in rows) == PER_HOUR
    return took


if __name__ == "__main__":
    main()
