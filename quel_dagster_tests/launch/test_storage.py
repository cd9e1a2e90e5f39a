"""Dagster's tables are reached on few connections, which a fork does not share."""

import os
from multiprocessing import get_context

import dagster as dg
import sqlalchemy as sa

from quel_dagster.launch import storage
from quel_dagster.launch.storage import shared_pool
from quel_dagster_tests.launch.hall import job_that

ERRAND = job_that(lambda: None)


def backend(url: str) -> int:
    """The server process that serves a connection of the pool."""
    with shared_pool(url).connect() as connection:
        return connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()


def test_runs_and_events_share_a_connection_that_stays_open(
    instance: dg.DagsterInstance, dagster_url: str
) -> None:
    before = backend(dagster_url)
    result = ERRAND.execute_in_process(instance=instance)
    with dg.DagsterInstance.get() as another:
        assert another.get_run_by_id(result.run_id) is not None
    assert backend(dagster_url) == before
    with shared_pool(dagster_url).connect() as connection:
        mine = sa.text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        assert connection.execute(mine).scalar_one() <= storage.KEPT + 2  # the claims', the store's


def test_a_forked_process_has_connections_of_its_own(
    instance: dg.DagsterInstance, dagster_url: str
) -> None:
    ours = backend(dagster_url)
    reader, writer = os.pipe()
    child = get_context("fork").Process(
        target=lambda: os.write(writer, str(backend(dagster_url)).encode())
    )
    child.start()
    child.join(30)
    theirs = int(os.read(reader, 100))
    for end in (reader, writer):
        os.close(end)
    assert theirs != ours
    assert backend(dagster_url) == ours


def test_a_connection_whose_server_went_while_it_was_idle_is_replaced(
    instance: dg.DagsterInstance, dagster_url: str
) -> None:
    run_id = instance.create_run_for_job(ERRAND).run_id
    gone = backend(dagster_url)
    before, storage.IDLE = storage.IDLE, 0.0
    try:
        other = sa.create_engine(dagster_url, poolclass=sa.NullPool)
        with other.connect() as connection:
            others = sa.text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
            connection.execute(others)
        assert instance.get_run_by_id(run_id) is not None
        assert backend(dagster_url) != gone
    finally:
        storage.IDLE = before
