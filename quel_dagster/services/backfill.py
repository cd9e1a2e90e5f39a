"""Names the path of rows from before the paths, beside live traffic and any number of its like.

It walks through a table by place (`ctid`), the cheapest way to see every row once, and changes what
has no path in short transactions. Rows that somebody holds are passed over and met again in a later
pass, as are those that come meanwhile: it goes only where a count has found some. Nothing is
remembered: whoever starts anew finds what is left.
"""

import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from quel_dagster.services.alteration import alter
from quel_dagster.services.database import reaching_postgres
from quel_dagster.services.filling import Filling, rows_left
from quel_dagster.services.keeping import keeping_updated_at
from quel_dagster.services.statements import load
from quel_dagster.services.tables import job, photo

PATH = "fashion"
"""What rows from before the paths are: it was all there was."""
TABLES = {table.name: table for table in (photo, job)}
"""The tables whose rows have a path, by name, in the order in which they are filled."""
LONGEST_COUNT = "10min"
"""A count of all rows reads much and holds nothing."""
PASSES = 10
"""Until no row is left; those after the second take a moment each, and end where rows come anew."""
MOMENT = 1.0
"""Seconds for whoever holds rows to let go of them, from the third pass on."""
MILLISECOND = timedelta(milliseconds=1)
SET_DEFAULT = "ALTER TABLE {table} ALTER COLUMN quel_production_path SET DEFAULT '{path}'"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How gently a table is filled, and what else is done to it.

    `max_rows` limits what one call changes; 0 is no limit.
    """

    batch_size: int = 10_000
    pause: timedelta = timedelta(0)
    max_rows: int = 0
    statement_timeout: timedelta = timedelta(seconds=4)
    lock_timeout: timedelta = timedelta(milliseconds=250)
    keep_updated_at: bool = True
    set_default: bool = False


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """A table before it is filled.

    `touching` names the triggers that would make a changed row look fresh; `left` counts rows
    without a path; `size` is in words.
    """

    table: str
    left: int
    size: str
    path_default: str | None
    touching: tuple[str, ...]

    @property
    def has_default(self) -> bool:
        """Whether new rows get the path by themselves."""
        return (self.path_default or "").startswith(f"'{PATH}'")


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far one call is with a table. `left` may be too high beside another one."""

    table: str
    done: int
    left: int
    seconds: float

    @property
    def rate(self) -> float:
        """Rows a second, pauses included."""
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def to_go(self) -> timedelta | None:
        """Time for what is left at this rate; None as long as there is no rate."""
        if not self.left:
            return timedelta(0)
        return timedelta(seconds=round(self.left / self.rate)) if self.done else None


def look(engine: sa.Engine, table: str) -> Outlook:
    """What there is to do in a table; changes nothing.

    Raises:
        Unavailable: PostgreSQL is out of reach.
    """
    with reaching_postgres(), engine.connect() as connection:
        with connection.begin():
            row = connection.execute(load("backfill_table"), {"name": table}).one()
        return Outlook(
            table=table,
            left=_count(connection, table),
            size=row.size,
            path_default=row.path_default,
            touching=tuple(row.touching),
        )


def holders(engine: sa.Engine, table: str) -> list[str]:
    """Who else has a transaction open that may hold rows of a table, in words."""
    with reaching_postgres(), engine.connect() as connection:
        rows = connection.execute(load("backfill_holders"), {"name": table}).all()
    return [
        f"process {row.pid} ({row.application_name or 'unnamed'}), {row.state or 'of another role'}"
        f", its transaction {row.since or 'of unknown age'} old"
        for row in rows
    ]


def fill(
    engine: sa.Engine, table: str, terms: Terms, warn: Callable[[str], None]
) -> Generator[Progress]:
    """Fills a table, with a word before the first and after every batch; no transaction is open.

    In the first word and in the last one `left` is counted, in between it is reckoned. To be closed
    (`contextlib.closing`) by whoever may not read to the end.

    Args:
        engine: reaches the database as the owner of the table.
        table: one of `TABLES`.
        terms: how gently.
        warn: is told of batches that had to be given up and are tried again.

    Raises:
        ConfigurationError: the database user may not do this to the table.
        Unavailable: PostgreSQL is out of reach, or the table stayed busy.
    """
    outlook = look(engine, table)
    keeps = terms.keep_updated_at and outlook.touching
    with (
        reaching_postgres(),
        _session(engine, terms) as connection,
        keeping_updated_at(connection, table) if keeps else nullcontext(),
    ):
        if terms.set_default and not outlook.has_default:
            # First of all, so that no row without a path comes after the last pass.
            alter(connection, SET_DEFAULT.format(table=table, path=PATH))
        filling = Filling(connection, TABLES[table], PATH, terms.batch_size, warn)
        yield from _passes(connection, filling, outlook, terms)


def _passes(
    connection: sa.Connection, filling: Filling, outlook: Outlook, terms: Terms
) -> Iterator[Progress]:
    began, done, left = time.monotonic(), 0, outlook.left
    windows: Iterable[int] = filling.windows()
    most = terms.max_rows or sys.maxsize

    def progress() -> Progress:
        seconds = time.monotonic() - began
        return Progress(table=outlook.table, done=done, left=max(left, 0), seconds=seconds)

    yield progress()
    for number in range(PASSES):
        if not left or done >= most:
            return
        if number > 1:
            time.sleep(MOMENT)
        done_before, left_before = done, left
        for rows in filling.walk(windows, most - done):
            done, left = done + rows, left - rows
            yield progress()
            time.sleep(terms.pause.total_seconds() if rows else 0)
        _reach_disk(connection)
        windows = _windows_left(connection, outlook.table)
        left = sum(windows.values())
        yield progress()
        if done > done_before and left >= left_before:
            return  # as many have come as were changed: somebody writes rows without a path


@contextmanager
def _session(engine: sa.Engine, terms: Terms) -> Generator[sa.Connection]:
    """A connection that is closed at the end, and its settings and locks with it."""
    settings = {
        "application_name": "quel backfill",
        "statement_timeout": f"{terms.statement_timeout / MILLISECOND:.0f}",
        "lock_timeout": f"{terms.lock_timeout / MILLISECOND:.0f}",
        # No batch waits for the disk: one that a crash undoes is found again.
        "synchronous_commit": "off",
    }
    with engine.connect() as connection:
        try:
            with connection.begin():
                for name, value in settings.items():
                    connection.exec_driver_sql(f"SET {name} = '{value}'")
            yield connection
        finally:
            connection.invalidate()


def _reach_disk(connection: sa.Connection) -> None:
    """Waits until no crash can undo what was done: the log is flushed up to this commit."""
    with connection.begin():
        connection.exec_driver_sql("SET LOCAL synchronous_commit = on")
        connection.exec_driver_sql("SELECT pg_logical_emit_message(TRUE, 'quel backfill', '')")


def _count(connection: sa.Connection, table: str) -> int:
    """Rows without a path."""
    without_path = TABLES[table].c.quel_production_path.is_(None)
    with _patiently(connection):
        return connection.scalars(
            sa.select(sa.func.count()).select_from(TABLES[table]).where(without_path)
        ).one()


def _windows_left(connection: sa.Connection, table: str) -> dict[int, int]:
    """Rows without a path by the window they lie in."""
    with _patiently(connection):
        return {row.first: row.left for row in connection.execute(rows_left(TABLES[table]))}


@contextmanager
def _patiently(connection: sa.Connection) -> Generator[None]:
    """A transaction that may read a whole table."""
    with connection.begin():
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{LONGEST_COUNT}'")
        yield
