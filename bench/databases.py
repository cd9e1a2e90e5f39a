"""An embedded PostgreSQL for benches, and tables in it that are filled as if for years."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta

import sqlalchemy as sa
from results import folder

from quel_dagster.demo.postgres import Postgres
from quel_dagster.demo.supervisor import Supervisor
from quel_dagster.services.database import connect
from quel_dagster.services.migrations import migrate, record_cut_off

FOREVER = timedelta(hours=1)
DROPPABLE = sa.text("""
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
    WHERE indrelid = ANY(CAST(:tables AS regclass[])) AND NOT indisprimary
        AND indexrelid NOT IN (SELECT conindid FROM pg_constraint)
""")


@contextmanager
def server(*settings: str) -> Generator[tuple[Postgres, Supervisor]]:
    """A running server with the `settings`, and who may start more beside it.

    It is gone when the block ends.
    """
    with folder() as home, Supervisor(home) as supervisor:
        postgres = Postgres(home / "postgres", *settings)
        postgres.initialize()
        supervisor.start(postgres.part())
        yield postgres, supervisor


@contextmanager
def database(postgres: Postgres, name: str) -> Generator[sa.Engine]:
    """A new database with our tables, whose first day was yesterday."""
    postgres.ensure_database(name)
    engine = connect(postgres.url(name), statement_timeout=FOREVER)
    try:
        migrate(engine)
        record_cut_off(engine, timedelta(days=1))
        yield engine
    finally:
        engine.dispose()


@contextmanager
def filling(engine: sa.Engine, *tables: str) -> Generator[sa.Connection]:
    """A connection that fills tables: no trigger and no foreign key is looked at.

    Indexes are made when the rows are there, which is quicker; then everything is on disk, and the
    planner knows of it.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.detach()  # what is set here is nobody else's
        connection.exec_driver_sql("SET session_replication_role = replica")
        indexes = connection.execute(DROPPABLE, {"tables": list(tables)}).all()
        for index, _ in indexes:
            connection.exec_driver_sql(f"DROP INDEX {index}")
        yield connection
        for _, definition in indexes:
            connection.exec_driver_sql(definition)
        connection.exec_driver_sql("VACUUM ANALYZE")
        connection.exec_driver_sql("CHECKPOINT")
