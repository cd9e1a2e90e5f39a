"""What a tick costs with few and with many waiting jobs, and what many processes reserve at once.

Both backlogs lie in one server and are measured in turn, so that noise falls on both: `Tick.let_in`
with a real Redis and rings, each tick letting in what the limits allow, which is taken back
afterwards. The server does not wait for its disk: that would add the same to both sides and hide
a difference. Prints tables, writes .quel/bench/tick.json, and ends with 1 where a target is missed.
"""

import logging
import random
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median
from uuid import UUID

import click
import sqlalchemy as sa
from databases import database, filling, server
from reserving import LIMIT, PATHS, Notes, at_once, summary
from results import Target, console, judge, keep
from rich.table import Table

from quel_dagster.demo.postgres import UNSAFE_BUT_FAST, Postgres
from quel_dagster.demo.redis import redis_part, redis_url
from quel_dagster.environment import Environment
from quel_dagster.intake.tick import ROWS_PER_PATH, Tick
from quel_dagster.services.statements import load

MOST_RATIO = 1.3
RINGS = 20
"""Rings that a tick hears, for the newest jobs."""
log = logging.getLogger("tick")

WARM_UP = 20
"""Ticks that nobody measures."""
SPELLED = (*PATHS, "Fashion ", "landing", None)
"""What waiting rows have as their path: those we serve, one misspelled, one left alone, none."""

FILL = """
    WITH customer AS (
        INSERT INTO quel_member (quel_email, quel_name, provider, provider_sub)
        SELECT 'member' || n || '@quel.example', 'member', 'sample', n
        FROM generate_series(1, 50) AS n
        RETURNING quel_member_id
    ), of AS (SELECT array_agg(quel_member_id) AS member FROM customer),
    photo AS (INSERT INTO quel_production_photo DEFAULT VALUES RETURNING production_id)
    INSERT INTO quel_production_jobs (production_id, job_type, batch_index, total_images,
        job_input_data, quel_production_path, quel_member_id, created_at)
    SELECT photo.production_id, 'single_batch', 0, 4,
        jsonb_build_object('basePrompt', 'linen suit, late summer terrace, number ' || n,
            'aspect-ratio', '16:9', 'combinations',
            jsonb_build_array(jsonb_build_object('angle', 'front', 'shot', 'full', 'quantity', 4))),
        (CAST(:spelled AS text[]))[1 + n % :spellings], of.member[1 + n % 50],
        now() - interval '20 hours' + CAST(n AS float) / :rows * interval '19 hours 50 min'
    FROM of, photo, generate_series(1, :rows) AS n
"""
NEWEST = f"""
    SELECT job_id FROM quel_production_jobs WHERE quel_production_path = 'fashion'
    ORDER BY created_at DESC LIMIT {RINGS * 10}
"""

Figures = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """A database with waiting jobs, and the front door to it."""

    rows: int
    place: Environment
    tick: Tick
    newest: Sequence[UUID]

    def measure(self) -> float:
        """Seconds of one tick. The jobs it let in wait again afterwards."""
        for job_id in random.sample(self.newest, RINGS):
            self.place.queue.ring(job_id)
        began = time.perf_counter()
        let_in = self.tick.let_in()
        took = time.perf_counter() - began
        assert len(let_in) == sum(room_of(self.place).values())
        with self.place.engine.begin() as tx:
            tx.exec_driver_sql("DELETE FROM quel.attempt")
        return took

    def pages(self) -> int:
        """Pages that the search for waiting jobs touches, in memory or on disk."""
        explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {load('look').text}"
        values = {
            "rung": [str(job_id) for job_id in self.newest[:RINGS]],
            "grace": self.place.settings.worker.pending.grace,
            "lease": self.place.settings.worker.attempts.lease,
            "batch": ROWS_PER_PATH,
        }
        with self.place.engine.begin() as tx:
            tx.execute(load("in_order"))
            plan = tx.execute(sa.text(explain), values).scalar_one()[0]["Plan"]
        return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


@click.command()
@click.option("--few", default=1_000, show_default=True, help="Waiting jobs on one side.")
@click.option("--many", default=1_000_000, show_default=True, help="On the other.")
@click.option("--rounds", default=200, show_default=True, help="Ticks of each side.")
@click.option("--processes", default=16, show_default=True, help="That reserve at once.")
@click.option("--seconds", default=10.0, show_default=True, help="That they do, in two turns each.")
def main(few: int, many: int, rounds: int, processes: int, seconds: float) -> None:
    """Ticks on both sides in turn, then has processes reserve on the larger one."""
    log.setLevel(logging.ERROR)  # else each tick tells which jobs asked for another path
    with server(*UNSAFE_BUT_FAST) as (postgres, supervisor), ExitStack() as exits:
        port = supervisor.port()
        supervisor.start(redis_part(port))
        sides = [
            exits.enter_context(backlog(postgres, f"waiting_{rows}", rows, redis_url(port)))
            for rows in (few, many)
        ]
        ticks, ratio = compare(sides, rounds)
        reserving = contend(postgres.url(f"waiting_{many}"), processes, seconds)
    keep("tick", {"ticks": ticks, "ratio": ratio, "reserving": reserving})
    show("a tick, in turn on both sides", "waiting jobs", ticks)
    show(f"reserving on {len(PATHS)} paths, {LIMIT} jobs each", "processes", reserving)
    most_alive = max(found["most_alive"] for found in reserving.values())
    judge(
        Target(name="a tick with many waiting to one with few", value=ratio, most=MOST_RATIO),
        Target(name="jobs of a path alive at once", value=most_alive, most=LIMIT),
    )


@contextmanager
def backlog(postgres: Postgres, name: str, rows: int, redis: str) -> Generator[Backlog]:
    """A database with so many waiting jobs, all of them old enough to be found without a ring."""
    with database(postgres, name) as engine:
        with filling(engine, "public.quel_production_jobs", "quel.attempt") as connection:
            values = {"rows": rows, "spelled": list(SPELLED), "spellings": len(SPELLED)}
            connection.execute(sa.text(FILL), values)
        with engine.connect() as connection:
            newest = list(connection.execute(sa.text(NEWEST)).scalars())
        variables = {"QUEL_DATABASE_URL": postgres.url(name), "QUEL_REDIS_URL": redis}
        place = Environment(variables)
        settings = place.settings.worker
        tick = Tick(place.queue, place.store, settings, lambda: room_of(place), log)
        yield Backlog(rows=rows, place=place, tick=tick, newest=newest)
        place.close()


def room_of(place: Environment) -> dict[str, int]:
    """The limit of each path, as shipped."""
    return {path: place.settings.worker.path(path).max_workers for path in PATHS}


def compare(sides: Sequence[Backlog], rounds: int) -> tuple[Figures, float]:
    """A tick on each side; the median of what many cost beside few, over all rounds."""
    for _ in range(WARM_UP):
        for side in sides:
            side.measure()
    times: dict[int, list[float]] = {side.rows: [] for side in sides}
    for turn in range(rounds):
        for side in sides if turn % 2 else reversed(sides):
            times[side.rows].append(side.measure() * 1000)
    figures = {
        str(side.rows): {
            "ms_p50": round(median(times[side.rows]), 2),
            "ms_p95": round(sorted(times[side.rows])[rounds * 95 // 100], 2),
            "pages_of_look": side.pages(),
        }
        for side in sides
    }
    few, many = times.values()
    return figures, round(median(b / a for a, b in zip(few, many, strict=True)), 3)


def contend(url: str, processes: int, seconds: float) -> Figures:
    """One process and many in turn, twice, so that a machine that changes its mood favours none."""
    notes: dict[int, list[Notes]] = {1: [], processes: []}
    for _ in range(2):
        for number, found in notes.items():
            found.extend(at_once(url, number, seconds))
    return {str(number): summary(found, 2 * seconds) for number, found in notes.items()}


def show(title: str, what: str, rows: Figures) -> None:
    """The same for a person."""
    columns = list(next(iter(rows.values())))
    table = Table(what, *(name.replace("_", " ") for name in columns), title=title)
    for name, row in rows.items():
        table.add_row(name, *(f"{row[column]:,}" for column in columns))
    console().print(table)


if __name__ == "__main__":
    main()
