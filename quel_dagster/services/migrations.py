"""Brings a database up to date with `sql/migrations`: each file once, in the order of their names.

What the schema is stands in those files alone; this runner knows `quel.migration` and the cut-off.
"""

import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from quel_dagster.model.errors import ConfigurationError
from quel_dagster.services import indexes, statements, tables
from quel_dagster.services.database import reaching_postgres
from quel_dagster.services.turns import autocommit, drop_unfinished, session, wait_for_turn

NO_TRANSACTION = "-- quel: no transaction"
"""First line of a file with one statement that PostgreSQL runs outside transactions only."""


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One file of `sql/migrations`."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, the same whatever line ends a checkout gave it."""
        return sha256(self.sql.encode()).hexdigest()

    @property
    def transactional(self) -> bool:
        """Whether the file and its record become one transaction."""
        return not self.sql.startswith(NO_TRANSACTION)

    @property
    def index(self) -> str | None:
        """The index it builds without locking its table, if it builds one."""
        match = re.search(r"INDEX CONCURRENTLY IF NOT EXISTS (\w+)", self.sql)
        return match.group(1) if match else None


def migrate(engine: sa.Engine, *, wait: timedelta = timedelta(minutes=10)) -> list[str]:
    """Applies what is missing, then builds the indexes that are; the files applied now, in order.

    Several may run at once: they take turns, and all but the first find nothing to do. A run that
    was killed leaves nothing behind that stops the next one. Turns need a session of their own:
    a pooler that hands connections out by the transaction must be passed by.

    Args:
        engine: reaches the database as the owner of the given tables.
        wait: for another run to end.

    Raises:
        ConfigurationError: a file was changed after it was applied, or breaks the rules of files.
        Unavailable: PostgreSQL is out of reach, a table stayed busy, or another run did not end.
    """
    files = read(statements.root() / "migrations")
    with reaching_postgres(), session(engine) as connection:
        wait_for_turn(connection, wait)
        missing = _missing(files, _recorded(connection))
        for migration in missing:
            _apply(connection, migration)
        with autocommit(connection):
            for index in indexes.read():
                indexes.ensure(connection, index)
    return [migration.name for migration in missing]


def record_cut_off(engine: sa.Engine, max_age: timedelta) -> datetime:
    """The moment up to which jobs are too old to start: `max_age` before the first call ever.

    Raises:
        Unavailable: PostgreSQL is out of reach.
    """
    row = tables.cut_off.c
    with reaching_postgres(), engine.begin() as connection:
        connection.execute(
            insert(tables.cut_off)
            .values(created_after=sa.func.clock_timestamp() - max_age)
            .on_conflict_do_nothing()
        )
        return connection.execute(sa.select(row.created_after)).scalar_one()


def read(folder: Path) -> list[Migration]:
    """The migrations in a folder, in order.

    Raises:
        ConfigurationError: a file without transaction holds more than one statement. PostgreSQL
            would run several as one transaction after all.
    """
    migrations = [
        Migration(name=path.name, sql=path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.sql"))
    ]
    for migration in migrations:
        code = re.sub(r"--.*", "", migration.sql)
        if not migration.transactional and len([s for s in code.split(";") if s.strip()]) != 1:
            raise ConfigurationError(
                f"{migration.name}: a file that begins with '{NO_TRANSACTION}' holds one statement"
            )
    return migrations


@contextmanager
def _transaction(connection: sa.Connection) -> Generator[None]:
    connection.execution_options(isolation_level="READ COMMITTED")
    with connection.begin():
        yield


def _recorded(connection: sa.Connection) -> dict[str, str]:
    columns = tables.migration.c
    with autocommit(connection):
        if connection.execute(sa.select(sa.func.to_regclass("quel.migration"))).scalar() is None:
            return {}
        rows = connection.execute(sa.select(columns.name, columns.checksum)).tuples()
        return dict(rows.all())


def _missing(files: Sequence[Migration], recorded: Mapping[str, str]) -> list[Migration]:
    for file in files:
        if recorded.get(file.name, file.checksum) != file.checksum:
            raise ConfigurationError(
                f"sql/migrations/{file.name} was changed after it was applied to this database; "
                "restore it as it was and put the change into a new file"
            )
    return [file for file in files if file.name not in recorded]


def _apply(connection: sa.Connection, migration: Migration) -> None:
    begin = _transaction if migration.transactional else autocommit
    try:
        with begin(connection):
            if migration.index:
                drop_unfinished(connection, migration.index)
            # Without parameters, or psycopg2 would look for them behind every percent sign.
            connection.exec_driver_sql(migration.sql, execution_options={"no_parameters": True})
            connection.execute(
                sa.insert(tables.migration).values(name=migration.name, checksum=migration.checksum)
            )
    except DBAPIError as error:
        error.add_detail(f"sql/migrations/{migration.name}")
        raise
