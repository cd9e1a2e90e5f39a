"""The job that builds indexes: what is missing, what was left unfinished, who is in the way."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import dagster as dg
import pytest
import sqlalchemy as sa

from quel_dagster.environment import Environment
from quel_dagster.maintenance.indexes import IndexesConfig, ensure_indexes
from quel_dagster.model.errors import ConfigurationError
from quel_dagster.services import indexes
from quel_dagster.services.indexes import parse, read
from quel_dagster_tests.maintenance.old_rows import JOBS, change, fill, launch, lines, number
from quel_dagster_tests.outcomes.workshop import wait_until

NAMES = [
    "quel.attempt_living",
    "public.quel_production_jobs_completed",
    "public.quel_production_jobs_pending",
    "public.quel_production_jobs_started",
    "quel.slot_delivered",
]
COMPLETED = "public.quel_production_jobs_completed"
INVALID = (
    f"SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('{COMPLETED}') "
    "AND NOT indisvalid"
)
BUILDING = "SELECT count(*) FROM pg_stat_progress_create_index WHERE current_locker_pid > 0"


def definitions(engine: sa.Engine) -> dict[str, str]:
    """The indexes as the server has them; without those that are unusable."""
    query = (
        "SELECT pg_get_indexdef(indexrelid) FROM pg_index "
        "WHERE indexrelid = to_regclass(:name) AND indisvalid"
    )
    with engine.connect() as connection:
        found = {n: connection.scalar(sa.text(query), {"name": n}) for n in NAMES}
    return {name: definition for name, definition in found.items() if definition}


def test_there_is_a_file_for_every_index() -> None:
    assert [index.full_name for index in read()] == NAMES
    assert all(field.description for field in IndexesConfig.model_fields.values())


def test_missing_indexes_are_built_as_the_migrations_made_them(
    place: Environment, instance: dg.DagsterInstance
) -> None:
    before = definitions(place.engine)
    assert list(before) == NAMES
    for name in NAMES:
        change(place.engine, f"DROP INDEX {name}")
    result = launch(place, ensure_indexes, {}, instance)
    assert result.success
    assert definitions(place.engine) == before
    said = lines(instance, result)
    assert [f"{name} was built" in said for name in NAMES] == [True] * len(NAMES)
    again = lines(instance, launch(place, ensure_indexes, {}, instance))
    assert [f"{name} was there" in again for name in NAMES] == [True] * len(NAMES)


def begin_and_hold(
    place: Environment,
    instance: dg.DagsterInstance,
    meanwhile: Callable[[Future[dg.ExecuteInProcessResult]], None],
    config: dict[str, object],
) -> dg.ExecuteInProcessResult:
    """A build that has to wait for a writer, until `meanwhile` is over."""
    change(place.engine, f"DROP INDEX {COMPLETED}")
    with ThreadPoolExecutor(1) as thread:
        with place.engine.connect() as writer:
            writer.execute(sa.text(f"UPDATE {JOBS} SET retry_count = 1"))
            build = thread.submit(launch, place, ensure_indexes, config, instance)
            meanwhile(build)
            writer.rollback()
        return build.result(60)


def test_the_log_says_for_whom_a_build_waits(
    place: Environment, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexes, "EVERY", 0.1)
    fill(place.engine, 10)

    def wait_for_a_word(_: Future[dg.ExecuteInProcessResult]) -> None:
        wait_until(lambda: number(place.engine, BUILDING), "the build waits for the writer")
        wait_until(lambda: "has a transaction open" in said(instance), "the log says so")

    result = begin_and_hold(place, instance, wait_for_a_word, {})
    assert result.success
    assert f"{COMPLETED}: waiting for writers before build: process" in said(instance)


def said(instance: dg.DagsterInstance) -> str:
    """The log of the newest run."""
    [run] = instance.get_runs(limit=1)
    return "\n".join(record.user_message for record in instance.all_logs(run.run_id))


def test_a_build_that_waits_too_long_gives_up_and_leaves_nothing_behind(
    place: Environment, instance: dg.DagsterInstance
) -> None:
    fill(place.engine, 10)

    def wait(build: Future[dg.ExecuteInProcessResult]) -> None:
        build.result(60)

    result = begin_and_hold(place, instance, wait, {"lock_timeout": "200ms"})
    assert not result.success
    assert "lock timeout" in lines(instance, result)
    assert launch(place, ensure_indexes, {}, instance).success
    assert number(place.engine, INVALID) == 0
    assert COMPLETED in definitions(place.engine)


def test_what_a_killed_build_left_is_dropped_and_built_again(
    place: Environment, instance: dg.DagsterInstance
) -> None:
    fill(place.engine, 10)
    change(place.engine, f"DROP INDEX {COMPLETED}")
    with ThreadPoolExecutor(1) as thread, place.engine.connect() as writer:
        writer.execute(sa.text(f"UPDATE {JOBS} SET retry_count = 1"))

        killed = thread.submit(build_by_hand, place, COMPLETED)
        wait_until(lambda: number(place.engine, INVALID), "the build has begun")
        kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_progress_create_index"
        assert number(place.engine, kill) == 1
        assert killed.exception(20) is not None
    assert number(place.engine, INVALID) == 1
    result = launch(place, ensure_indexes, {}, instance)
    assert f"{COMPLETED} was left unfinished by an earlier build" in lines(instance, result)
    assert number(place.engine, INVALID) == 0
    assert COMPLETED in definitions(place.engine)


def test_an_index_that_somebody_builds_by_hand_is_left_to_them(
    place: Environment, instance: dg.DagsterInstance
) -> None:
    fill(place.engine, 10)
    change(place.engine, f"DROP INDEX {COMPLETED}")
    with ThreadPoolExecutor(1) as thread, place.engine.connect() as writer:
        writer.execute(sa.text(f"UPDATE {JOBS} SET retry_count = 1"))

        by_hand = thread.submit(build_by_hand, place, COMPLETED)
        wait_until(lambda: number(place.engine, BUILDING), "their build waits for the writer")
        result = launch(place, ensure_indexes, {}, instance)
        writer.rollback()
        by_hand.result(20)
    assert not result.success
    assert f"{COMPLETED} is being built by process" in lines(instance, result)
    assert COMPLETED in definitions(place.engine)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS other ON public.t (a);",
        "CREATE INDEX IF NOT EXISTS one ON public.t (a);",
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS one ON t (a);",
        "DROP TABLE t;",
    ],
)
def test_a_file_that_is_no_index_of_its_name_is_refused(sql: str) -> None:
    with pytest.raises(ConfigurationError, match=r"sql/indexes/one.sql: expected one CREATE INDEX"):
        parse("one", sql)


def build_by_hand(place: Environment, name: str) -> None:
    """Builds an index as somebody at a console would."""
    [index] = [index for index in read() if index.full_name == name]
    with place.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql(index.sql)
