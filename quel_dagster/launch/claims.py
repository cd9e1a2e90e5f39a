"""Who executes a run: at most one process at a time, by an advisory lock beside Dagster's tables.

The lock ends with the session of its holder, so one that can be had proves that nobody executes the
run. Nothing is known here of what a run does.
"""

import hashlib
from collections.abc import Generator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError


class Claims:
    """Locks on runs.

    Args:
        engine: connections to the database of Dagster's own tables. A pooler in transaction mode
            would give the lock to whoever has the connection next.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def hold(self, run_id: str) -> Generator[bool]:
        """Takes the lock of a run until the block ends; yields whether it could be had."""
        key = key_of(run_id)
        with self._engine.connect() as connection:
            is_ours = bool(connection.scalar(sa.select(sa.func.pg_try_advisory_lock(key))))
            try:
                yield is_ours
            finally:
                if is_ours:
                    _give_back(connection, key)


def _give_back(connection: sa.Connection, key: int) -> None:
    """Unlocks; where that fails the session ends, and the lock with it."""
    try:
        connection.execute(sa.select(sa.func.pg_advisory_unlock(key)))
    except DBAPIError:
        connection.invalidate()


def key_of(run_id: str) -> int:
    """The number of a run's lock, one of 2**64."""
    digest = hashlib.sha256(f"quel run {run_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
