"""What a job leaves in PostgreSQL, and the Runs page of the Dagster UI with many runs.

Real jobs are executed; rows and bytes, indexes and dead rows included, are counted before and
after. Then their runs are copied, and the page is asked for with few and with many of them, in
turn. Prints tables and writes .quel/bench/growth.json; there is no target.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle

import click
import sqlalchemy as sa
from results import console, folder, keep
from rich.table import Table
from runs_page import Milliseconds, compare
from serving import to_the_end
from subjects import ours

from quel_dagster.demo.front_end import NewOrder

PATHS = ("fashion", "beauty", "eats", "cinema", "cartoon")
BY_TIME = frozenset(
    {"daemon_heartbeats", "instigators", "job_ticks", "jobs", "kvs", "secondary_indexes"}
)
"""Tables of Dagster's that grow, if at all, with the ticks of its daemon and not with jobs."""
TABLES = sa.text("""
    SELECT n.nspname AS schema, c.relname AS name, pg_total_relation_size(c.oid) AS bytes
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname IN ('public', 'quel', 'dagster')
    ORDER BY 1, 2
""")
MANY = 100_000

Sizes = dict[tuple[str, str], tuple[int, int]]
PerJob = dict[str, dict[str, float]]


@click.command()
@click.option("--jobs", default=200, show_default=True, help="Jobs to execute.")
@click.option("--few", default=1_000, show_default=True, help="Runs on one side.")
@click.option("--many", default=MANY, show_default=True, help="Runs on the other.")
@click.option("--rounds", default=20, show_default=True, help="Of asking for the page.")
def main(jobs: int, few: int, many: int, rounds: int) -> None:
    """Executes jobs on all paths, counts, copies their runs and asks for the page."""
    with folder() as place, ours(home := place / "home") as found:
        subject = replace(found, orders=over_paths(found.orders))
        engine = subject.place.engine
        to_the_end(subject, 2 * len(PATHS), 0)
        before = sizes(engine)
        to_the_end(subject, jobs, 0)
        grown = per_job(before, sizes(engine), jobs)
        pages = compare(subject, home, (few, many), rounds)
    keep("growth", {"jobs": jobs, "per_job": grown, "totals": totals(grown), "pages_ms": pages})
    show_growth(grown, jobs)
    show_pages(pages)


def over_paths(orders: Iterator[NewOrder]) -> Iterator[NewOrder]:
    """The same orders, on all paths in turn."""
    for order, path in zip(orders, cycle(PATHS), strict=False):
        yield replace(order, path=path)


def sizes(engine: sa.Engine) -> Sizes:
    """Rows and bytes of every table, indexes and what is stored apart included."""
    with engine.connect() as connection:
        tables = connection.execute(TABLES).all()
        return {
            (each.schema, each.name): (
                connection.execute(
                    sa.select(sa.func.count()).select_from(sa.table(each.name, schema=each.schema))
                ).scalar_one(),
                each.bytes,
            )
            for each in tables
            if each.name not in BY_TIME
        }


def per_job(before: Sizes, after: Sizes, jobs: int) -> PerJob:
    """Rows and bytes of a job, in each table that has grown."""
    return {
        f"{schema}.{name}": {
            "rows": round((rows - before[schema, name][0]) / jobs, 2),
            "bytes": round((size - before[schema, name][1]) / jobs),
        }
        for (schema, name), (rows, size) in after.items()
        if (rows, size) != before[schema, name]
    }


def totals(grown: PerJob) -> PerJob:
    """The same by schema: the product's, ours, and Dagster's."""
    schemas = sorted({name.split(".")[0] for name in grown})
    return {
        schema: {
            kind: round(
                sum(each[kind] for name, each in grown.items() if name.startswith(f"{schema}.")), 2
            )
            for kind in ("rows", "bytes")
        }
        for schema in schemas
    }


def show_growth(grown: PerJob, jobs: int) -> None:
    """By table, and all tables of a schema together."""
    table = Table("table", "rows a job", "bytes a job", title=f"{jobs} jobs of one picture")
    for name, each in grown.items():
        table.add_row(name, f"{each['rows']:.2f}", f"{each['bytes']:,.0f}")
    for schema, each in totals(grown).items():
        table.add_section()
        table.add_row(f"all of {schema}", f"{each['rows']:.2f}", f"{each['bytes']:,.0f}")
    console().print(table)


def show_pages(pages: Milliseconds) -> None:
    """Milliseconds beside each other."""
    few, many = next(iter(pages.values()))
    table = Table("Runs page, ms", f"{int(few):,} runs", f"{int(many):,} runs", "ratio")
    for name, took in pages.items():
        ratio = f"{took[many] / took[few]:.1f}"
        table.add_row(name, f"{took[few]:.0f}", f"{took[many]:.0f}", ratio)
    console().print(table)


if __name__ == "__main__":
    main()
