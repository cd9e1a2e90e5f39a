"""The indexes that hot queries rely on (`sql/indexes`), built without stopping anybody's writes.

What an index is stands in its file alone.
"""

import re
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from quel_dagster.model.errors import ConfigurationError, Unavailable
from quel_dagster.services import statements
from quel_dagster.services.database import reaching_postgres
from quel_dagster.services.turns import autocommit, drop_unfinished, session, wait_for_turn

CREATE = re.compile(r"^CREATE INDEX CONCURRENTLY IF NOT EXISTS (\w+)\s+ON (\w+)\.", re.MULTILINE)
EVERY = 2.0
"""Seconds between two words about a build."""
CLEANING = "2s"
"""The longest wait of who clears away a build that failed; the next one does it otherwise."""


@dataclass(frozen=True, kw_only=True)
class Index:
    """One file of `sql/indexes`."""

    name: str
    schema: str
    sql: str

    @property
    def full_name(self) -> str:
        """With its schema, which is that of its table."""
        return f"{self.schema}.{self.name}"


class Deed(StrEnum):
    """What was done about an index."""

    FOUND = "was there"
    BUILT = "was built"
    REBUILT = "was left unfinished by an earlier build, and was built again"


def read() -> list[Index]:
    """The indexes, in the order of their names.

    Raises:
        ConfigurationError: a file does not create one index, named like the file.
    """
    return [
        parse(path.stem, path.read_text(encoding="utf-8"))
        for path in sorted((statements.root() / "indexes").glob("*.sql"))
    ]


def parse(name: str, sql: str) -> Index:
    """An index by its file's name and text; raises ConfigurationError as `read` does."""
    match CREATE.findall(sql):
        case [(found, schema)] if found == name:
            return Index(name=name, schema=schema, sql=sql)
        case _:
            raise ConfigurationError(
                f"sql/indexes/{name}.sql: expected one CREATE INDEX CONCURRENTLY IF NOT EXISTS "
                f"{name} ON schema.table"
            )


def ensure(connection: sa.Connection, index: Index) -> Deed:
    """Builds an index unless it is there and whole. A build that fails is cleared away.

    Args:
        connection: of a session that has its turn, in autocommit.
        index: the index.

    Raises:
        Unavailable: another session, which takes no turns, is building it.
    """
    state = connection.execute(statements.load("index_state"), {"name": index.full_name}).first()
    if state and state.is_valid:
        return Deed.FOUND
    if state and state.builder:
        raise Unavailable(
            f"{index.full_name} is being built by process {state.builder}; wait for it to end"
        )
    dropped = drop_unfinished(connection, index.name)
    try:
        connection.exec_driver_sql(index.sql, execution_options={"no_parameters": True})
    except DBAPIError:
        with suppress(DBAPIError):
            connection.exec_driver_sql(f"SET lock_timeout = '{CLEANING}'")
            drop_unfinished(connection, index.name)
        raise
    return Deed.REBUILT if dropped else Deed.BUILT


def ensure_all(
    engine: sa.Engine,
    tell: Callable[[str], None],
    *,
    lock_timeout: timedelta,
    wait: timedelta = timedelta(minutes=10),
) -> dict[str, Deed]:
    """Builds what is missing of all indexes, telling how far it is.

    What an interrupted or failed build leaves is dropped, at once if that is possible and else by
    the next call.

    Args:
        engine: reaches the database as the owner of the tables.
        tell: is told a line every few seconds.
        lock_timeout: how long a build may wait for a transaction that was there before it.
        wait: for another migration or build to end.

    Raises:
        ConfigurationError: a file breaks the rules.
        Unavailable: PostgreSQL is out of reach, or somebody stood in the way for too long.
    """
    indexes = read()
    with reaching_postgres(), session(engine) as connection, ThreadPoolExecutor(1) as thread:
        wait_for_turn(connection, wait)
        with autocommit(connection):
            connection.exec_driver_sql(f"SET lock_timeout = '{lock_timeout.total_seconds():.3f}s'")
            deeds: dict[str, Deed] = {}
            for index in indexes:
                build = thread.submit(ensure, connection, index)
                deeds[index.full_name] = _attend(build, connection, index, engine, tell)
        return deeds


def _attend(
    build: Future[Deed],
    connection: sa.Connection,
    index: Index,
    engine: sa.Engine,
    tell: Callable[[str], None],
) -> Deed:
    """Tells of a build until it ends, and stops it when this process is told to stop."""
    driver = connection.connection.driver_connection
    if driver is None:
        raise Unavailable(f"{index.full_name}: the connection was lost before the build")
    try:
        while True:
            try:
                return build.result(timeout=EVERY)
            except TimeoutError:
                tell(f"{index.full_name}: {_progress(engine, driver.info.backend_pid)}")
    except BaseException:
        while not build.done():
            driver.cancel()
            with suppress(TimeoutError, DBAPIError):
                build.result(timeout=EVERY)
        raise


def _progress(engine: sa.Engine, pid: int) -> str:
    with engine.connect() as connection:
        row = connection.execute(statements.load("index_progress"), {"pid": pid}).first()
    if row is None:
        return "about to begin, or done"
    if row.waits_for:
        return f"{row.phase}: process {row.waits_for} has a transaction open"
    if row.blocks_total:
        return f"{row.phase}: {row.blocks_done} of {row.blocks_total} blocks"
    return f"{row.phase}: {row.tuples_done} of {row.tuples_total} rows"
