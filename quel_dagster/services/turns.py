"""Turns at changing the schema: a session of its own, and only one of them at a time.

A build of an index without locks waits for every other transaction, so two of them must not wait
for each other. What is changed is known to `migrations` and `indexes`.
"""

import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta

import sqlalchemy as sa

from quel_dagster.model.errors import Unavailable
from quel_dagster.services import statements

ADVISORY_LOCK = int.from_bytes(b"quel_mig")
LONGEST_STATEMENT = "1h"
"""An index over years of jobs takes minutes; a build that hangs must still end some day."""


@contextmanager
def session(engine: sa.Engine) -> Generator[sa.Connection]:
    """A connection that is closed at the end, and its advisory lock and its settings with it."""
    with engine.connect() as connection:
        try:
            with autocommit(connection):
                connection.exec_driver_sql(f"SET statement_timeout = '{LONGEST_STATEMENT}'")
            yield connection
        finally:
            connection.invalidate()


@contextmanager
def autocommit(connection: sa.Connection) -> Generator[None]:
    """Each statement of the block is a transaction of its own."""
    connection.execution_options(isolation_level="AUTOCOMMIT")
    with connection.begin():
        yield


def wait_for_turn(connection: sa.Connection, wait: timedelta) -> None:
    """Takes the turn for as long as the session lives.

    Raises:
        Unavailable: another session kept it.
    """
    # Polls, because a session asleep in pg_advisory_lock() is a statement that goes on: the other's
    # CREATE INDEX CONCURRENTLY would wait for it to end, and each for the other.
    deadline = time.monotonic() + wait.total_seconds()
    while not _takes_turn(connection):
        if time.monotonic() >= deadline:
            raise Unavailable(
                f"another migration of this database has not ended within {wait}; wait for it, "
                "or end its session (pg_locks, locktype 'advisory') and try again"
            )
        time.sleep(0.1)


def drop_unfinished(connection: sa.Connection, index: str) -> bool:
    """Drops what an interrupted build left: no index, yet IF NOT EXISTS would take it for one."""
    unfinished = statements.load("invalid_index")
    names = connection.execute(unfinished, {"name": index}).scalars().all()
    for name in names:
        connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
    return bool(names)


def _takes_turn(connection: sa.Connection) -> bool:
    with autocommit(connection):
        return connection.execute(
            sa.select(sa.func.pg_try_advisory_lock(ADVISORY_LOCK))
        ).scalar_one()
