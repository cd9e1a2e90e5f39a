"""Dagster's own PostgreSQL storage on connections that stay open; `dagster.yaml` names it.

By itself Dagster opens a connection for every statement and asks again and again which columns its
tables have: 58 connections and 20 such questions for one run, more work than the run's own. What is
stored, and how, is Dagster's.
"""

import os
import time
from collections.abc import Mapping
from functools import cache, partial
from typing import Self

import dagster as dg
import psycopg2
import sqlalchemy as sa
from dagster_postgres import DagsterPostgresStorage
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, by its name
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from quel_dagster.launch.inside import Spelling

KEPT = 2
"""Connections that a process keeps open."""
MORE = 30
"""Connections that open and close with the demand: daemon and code server work in threads."""
IDLE = 2.0
"""Seconds after which a connection is tried before it is used: its server may have gone."""
LAST_USE = "last_use"


class PooledStorage(DagsterPostgresStorage):
    """Runs, events and schedules, on one pool of connections for all instances of a process."""

    def __init__(self, postgres_url: str, inst_data: Spelling = None) -> None:
        super().__init__(postgres_url, should_autocreate_tables=False, inst_data=inst_data)
        make_tables(postgres_url)
        pool = shared_pool(postgres_url)
        runs = self._run_storage
        for storage in (runs, self._event_log_storage, self._schedule_storage):
            storage._engine = pool  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - a storage has no other door for its connections
        runs.has_run_stats_index_cols = cache(runs.has_run_stats_index_cols)

    @classmethod
    def config_type(cls) -> dict[str, object]:
        """The database's address, or `env:` and the variable that holds it."""
        return {"postgres_url": dg.StringSource}

    @classmethod
    def from_config_value(cls, inst_data: Spelling, config_value: Mapping[str, object]) -> Self:
        """As `dagster.yaml` asks for it."""
        return cls(str(config_value["postgres_url"]), inst_data)


@cache
def make_tables(url: str) -> None:
    """Makes Dagster's tables where they are missing; looks once in a process."""
    DagsterPostgresStorage(url)


@cache
def shared_pool(url: str) -> sa.Engine:
    """The process's connections to a database. A forked process begins with none."""
    engine = sa.create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=KEPT,
        max_overflow=MORE,
    )
    event.listen(engine, "checkin", note_use)
    event.listen(engine, "checkout", try_idle)
    os.register_at_fork(after_in_child=partial(engine.dispose, close=False))
    return engine


def note_use(_connection: Connection | None, entry: ConnectionPoolEntry) -> None:
    """Notes when a connection was given back."""
    entry.info[LAST_USE] = time.monotonic()


def try_idle(
    connection: Connection, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection
) -> None:
    """Asks a server that was not heard of for a while for a sign of life.

    Raises:
        DisconnectionError: it does not answer; the pool makes another connection.
    """
    now = time.monotonic()
    if now - entry.info.get(LAST_USE, now) < IDLE:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except psycopg2.Error as error:
        raise DisconnectionError from error
