"""Keeps `updated_at` while rows are changed that nobody shall see as freshly touched.

A given trigger cannot be passed by without superuser rights, or a lock that stops every writer. But
triggers fire in the order of their names: one of ours, the last, puts the old value back for
sessions that ask for it. It stands for as long as one of them is at work.
"""

from collections.abc import Generator
from contextlib import contextmanager, suppress

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from quel_dagster.model.errors import ConfigurationError
from quel_dagster.services.alteration import alter

ADVISORY_LOCK = int.from_bytes(b"quel_kup")
"""Shared by the sessions that rely on the trigger."""
TRIGGER = '"~quel_keep_updated_at"'
"""The tilde sorts behind every letter, and so behind the given triggers."""
CREATE = """
    CREATE OR REPLACE TRIGGER {trigger} BEFORE UPDATE ON {table} FOR EACH ROW
    WHEN (current_setting('quel.keep_updated_at', TRUE) = 'on')
    EXECUTE FUNCTION quel.keep_updated_at()
"""
INSUFFICIENT_PRIVILEGE = "42501"


@contextmanager
def keeping_updated_at(connection: sa.Connection, table: str) -> Generator[None]:
    """Until the block ends, what this session changes in the table keeps its `updated_at`.

    The trigger outlives the block when another session relies on it, when the table is too busy to
    be changed, or when this process is killed. It does nothing to anybody then, and the next block
    that ends takes it down.

    Raises:
        ConfigurationError: the database user may not put up a trigger there.
        sqlalchemy.exc.OperationalError: the table was too busy.
    """
    alter(connection, f"SELECT pg_advisory_lock_shared({ADVISORY_LOCK})")
    try:
        alter(connection, CREATE.format(trigger=TRIGGER, table=table))
    except ProgrammingError as error:
        raise _explained(error, table) from error
    try:
        with connection.begin():
            connection.exec_driver_sql("SELECT set_config('quel.keep_updated_at', 'on', FALSE)")
        yield
    finally:
        with suppress(DBAPIError):  # the session may be lost, and its locks with it
            _take_down(connection, table)


def _take_down(connection: sa.Connection, table: str) -> None:
    with connection.begin():
        connection.exec_driver_sql("SELECT set_config('quel.keep_updated_at', '', FALSE)")
        connection.exec_driver_sql(f"SELECT pg_advisory_unlock_shared({ADVISORY_LOCK})")
        alone = connection.scalar(sa.select(sa.func.pg_try_advisory_lock(ADVISORY_LOCK)))
    if not alone:
        return
    try:
        with suppress(OperationalError):
            alter(connection, f"DROP TRIGGER IF EXISTS {TRIGGER} ON {table}", tries=3)
    finally:
        with connection.begin():
            connection.exec_driver_sql(f"SELECT pg_advisory_unlock({ADVISORY_LOCK})")


def _explained(error: ProgrammingError, table: str) -> Exception:
    if getattr(error.orig, "pgcode", None) != INSUFFICIENT_PRIVILEGE:
        return error
    return ConfigurationError(
        f"updated_at of {table} is kept by a trigger for as long as the backfill runs, and the "
        f"database user may not create one ({error.orig}); connect as the table's owner, or launch "
        "with keep_updated_at: false"
    )
