"""A backfill in a process of its own that is killed or told to stop, and launched again."""

import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import dagster as dg
import pytest
import sqlalchemy as sa

from quel_dagster.environment import Environment
from quel_dagster_tests.maintenance.old_rows import (
    JOBS,
    WATCH,
    change,
    fill,
    number,
    without_path,
)
from quel_dagster_tests.outcomes.workshop import wait_until
from quel_dagster_tests.run_process import RunProcess

ROWS = 1000
CHANGES = "SELECT count(*) FROM change"
TWICE = "SELECT count(*) FROM (SELECT FROM change GROUP BY job_id HAVING count(*) > 1) AS t"
STEPS = {
    "dry_run": False,
    "tables": [JOBS],
    "batch_size": 50,
    "pause": "50ms",
    "statement_timeout": "2m",
}
SLEEPING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
SLEEPS = (
    """
    CREATE FUNCTION fall_asleep() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN
        IF (SELECT count(*) > 120 FROM change) THEN PERFORM pg_sleep(60); END IF;
        RETURN new;
    END$$
    """,
    """
    CREATE TRIGGER fall_asleep BEFORE UPDATE ON quel_production_jobs
    FOR EACH ROW EXECUTE FUNCTION fall_asleep()
    """,
)
"""In the third batch of fifty, a row takes a minute."""


class Begin(Protocol):
    """Starts a backfill with a configuration."""

    def __call__(self, config: Mapping[str, object]) -> RunProcess: ...


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder of a Dagster instance."""
    home = tmp_path / "dagster"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}")
    return home


@pytest.fixture
def begin(place: Environment, home: Path) -> Iterator[Begin]:
    """Each backfill is a process of its own; none outlives the test."""
    started: list[RunProcess] = []

    def begin(config: Mapping[str, object]) -> RunProcess:
        process = RunProcess({**place.variables, "DAGSTER_HOME": str(home)})
        started.append(process)
        process.execute("backfill_production_path", {"ops": {"name_paths": {"config": config}}})
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def rows(engine: sa.Engine) -> sa.Engine:
    """A thousand rows whose committed changes are counted."""
    fill(engine, ROWS)
    change(engine, *WATCH)
    return engine


def end_well(begin: Begin, engine: sa.Engine) -> None:
    """Launched again, the backfill ends with every row set, each of them once."""
    assert begin({**STEPS, "pause": "0s"}).wait(60) == 0
    assert without_path(engine) == 0
    assert (number(engine, CHANGES), number(engine, TWICE)) == (ROWS, 0)
    assert number(engine, "SELECT count(*) FROM pg_trigger WHERE tgname LIKE '%keep_upd%'") == 0


@pytest.mark.parametrize("done", [1, 500])
def test_killed_on_its_way_it_goes_on_where_it_was(
    begin: Begin, rows: sa.Engine, done: int
) -> None:
    process = begin(STEPS)
    wait_until(lambda: number(rows, CHANGES) >= done, "some rows are done")
    process.kill()
    process.wait()
    assert 0 < without_path(rows) < ROWS
    end_well(begin, rows)


def test_killed_inside_a_batch_it_leaves_nothing_of_that_batch(
    begin: Begin, rows: sa.Engine
) -> None:
    change(rows, *SLEEPS)
    process = begin(STEPS)
    wait_until(lambda: number(rows, SLEEPING), "a batch is in the middle")
    process.kill()
    process.wait()
    change(
        rows, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    )
    wait_until(lambda: not number(rows, SLEEPING), "the server has noticed")
    assert number(rows, CHANGES) % 50 == 0
    change(rows, f"DROP TRIGGER fall_asleep ON {JOBS}")
    end_well(begin, rows)


def test_told_to_stop_it_stops_between_two_batches_and_says_so(
    begin: Begin, rows: sa.Engine, home: Path
) -> None:
    process = begin(STEPS)
    wait_until(lambda: number(rows, CHANGES), "the first rows are done")
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    done = number(rows, CHANGES)
    assert 0 < done < ROWS
    with dg.DagsterInstance.from_config(str(home)) as instance:
        [run] = instance.get_runs()
        said = "\n".join(record.user_message for record in instance.all_logs(run.run_id))
    assert not run.is_success
    assert f"{JOBS}: {done} rows done, {ROWS - done} left" in said
    assert "stopped: launch again to go on from here" in said
    assert number(rows, "SELECT count(*) FROM pg_trigger WHERE tgname LIKE '%keep_upd%'") == 0
    end_well(begin, rows)
