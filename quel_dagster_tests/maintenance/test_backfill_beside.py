"""The backfill beside others: holders of rows, busy tables, and a second copy of itself."""

import time
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from threading import Event
from urllib.parse import urlsplit

import dagster as dg
import pytest
import sqlalchemy as sa

from quel_dagster.environment import Environment
from quel_dagster.maintenance.backfill import backfill_production_path
from quel_dagster.services import alteration, backfill, filling
from quel_dagster.services.backfill import Progress, Terms, fill
from quel_dagster.services.filling import Filling, next_rows
from quel_dagster_tests.maintenance import old_rows
from quel_dagster_tests.maintenance.old_rows import (
    JOBS,
    PHOTOS,
    WATCH,
    change,
    launch,
    lines,
    number,
    without_path,
)

CHANGES = "SELECT count(*) FROM change"
TWICE = "SELECT count(*) FROM (SELECT FROM change GROUP BY job_id HAVING count(*) > 1) AS t"
FOR_REAL = {"dry_run": False, "tables": [JOBS]}
SLOW = f"""
    CREATE FUNCTION take_time() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN PERFORM pg_sleep(0.002); RETURN new; END$$;
    CREATE TRIGGER take_time BEFORE UPDATE ON {JOBS}
    FOR EACH ROW EXECUTE FUNCTION take_time();
"""
"""Every row takes two milliseconds."""


@contextmanager
def holding(engine: sa.Engine, query: str) -> Generator[None]:
    """Another transaction that has executed the query, open until the block ends."""
    with engine.connect() as other:
        other.execute(sa.text(query))
        yield
        other.rollback()


def test_held_rows_are_not_waited_for_and_met_again(
    place: Environment, instance: dg.DagsterInstance
) -> None:
    old_rows.fill(place.engine, 300)
    change(place.engine, *WATCH)
    held = Event()

    def hold() -> None:
        some = f"SELECT 1 FROM {JOBS} LIMIT 20 FOR UPDATE"
        with holding(place.engine, some):
            held.set()
            deadline = time.monotonic() + 20
            while without_path(place.engine) > 20:
                assert time.monotonic() < deadline
                time.sleep(0.01)

    with ThreadPoolExecutor(1) as thread:
        other = thread.submit(hold)
        assert held.wait(20)
        result = launch(place, backfill_production_path, FOR_REAL | {"batch_size": 50}, instance)
        other.result()
    assert result.success
    assert (without_path(place.engine), number(place.engine, CHANGES)) == (0, 300)


def test_rows_that_stay_held_fail_the_run_which_says_who_may_hold_them(
    place: Environment, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "PASSES", 2)
    old_rows.fill(place.engine, 100)
    with holding(place.engine, f"SELECT 1 FROM {JOBS} LIMIT 7 FOR UPDATE"):
        result = launch(place, backfill_production_path, FOR_REAL, instance)
        said = lines(instance, result)
        assert without_path(place.engine) == 7
    assert not result.success
    assert f"rows without a path are left: {{'{JOBS}': 7}}" in said
    assert "rows may be held by process" in said
    assert "(quel), idle in transaction, its transaction 0:00:0" in said
    assert launch(place, backfill_production_path, FOR_REAL, instance).success
    assert without_path(place.engine) == 0


def test_rows_that_keep_coming_are_not_chased(
    place: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from a front end that names no path, on a column without a default."""
    old_rows.fill(place.engine, 300)
    walk, walked = Filling.walk, list[list[int]]()

    def walk_while_one_comes(filling: Filling, windows: Iterable[int], most: int) -> Generator[int]:
        walked.append(list(windows))
        yield from walk(filling, walked[-1], most)
        old_rows.fill(place.engine, 1)

    monkeypatch.setattr(Filling, "walk", walk_while_one_comes)
    *_, last = fill(place.engine, JOBS, Terms(), print)
    assert (last.done, last.left, without_path(place.engine)) == (301, 1, 1)
    assert walked == [[0], [0]]


def test_only_where_rows_are_left_is_looked_again(
    place: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "WINDOW", 1)
    old_rows.fill(place.engine, 300)
    last_one = f"SELECT 1 FROM {JOBS} WHERE ctid = (SELECT max(ctid) FROM {JOBS}) FOR UPDATE"
    windows = list[int]()
    walk = Filling.walk

    def walk_and_note(filling: Filling, where: Iterable[int], most: int) -> Generator[int]:
        windows[:] = where
        yield from walk(filling, windows, most)

    monkeypatch.setattr(Filling, "walk", walk_and_note)
    monkeypatch.setattr(backfill, "PASSES", 2)
    page = number(place.engine, f"SELECT (max(ctid)::text::point)[0]::int FROM {JOBS}")
    with holding(place.engine, last_one):
        *_, last = fill(place.engine, JOBS, Terms(), print)
    assert (last.done, last.left, windows) == (299, 1, [page])


def test_an_order_for_a_photo_that_is_being_changed_is_not_held_up(place: Environment) -> None:
    engine = place.engine
    old_rows.fill(engine, 1)
    statement = next_rows(backfill.TABLES[PHOTOS], "fashion")
    with engine.connect() as changing:
        places = {"after": "(0,0)", "until": "(9,0)", "size": 10}
        assert changing.execute(statement, places).one().changed == 1
        change(
            engine,
            "SET LOCAL lock_timeout = '100ms'",
            f"INSERT INTO {JOBS} (production_id, job_type, batch_index, total_images, "
            f"job_input_data) SELECT production_id, 'single_batch', 1, 1, '{{}}' FROM {PHOTOS}",
        )
        changing.rollback()


def test_two_at_once_share_the_rows_and_change_each_of_them_once(place: Environment) -> None:
    old_rows.fill(place.engine, 3000)
    change(place.engine, *WATCH)
    warnings: list[str] = []
    terms = Terms(batch_size=100)

    def last_word(steps: Iterator[Progress]) -> Progress:
        *_, last = steps
        return last

    with ThreadPoolExecutor(2) as threads:
        copies = [fill(place.engine, JOBS, terms, warnings.append) for _ in range(2)]
        ends = list(threads.map(last_word, copies))
    assert sum(end.done for end in ends) == number(place.engine, CHANGES) == 3000
    assert min(end.done for end in ends) > 0
    assert [end.left for end in ends] == [0, 0]
    assert (number(place.engine, TWICE), warnings) == (0, [])
    kept = "SELECT count(*) FROM quel_production_jobs WHERE updated_at > now() - interval '1 day'"
    assert number(place.engine, kept) == 0
    triggers = "SELECT count(*) FROM pg_trigger WHERE tgname LIKE '%keep_updated_at'"
    assert number(place.engine, triggers) == 0


def test_a_batch_that_takes_too_long_is_undone_and_tried_again_with_fewer_rows(
    place: Environment, instance: dg.DagsterInstance
) -> None:
    old_rows.fill(place.engine, 200)
    change(place.engine, SLOW)
    asked = FOR_REAL | {"batch_size": 100, "statement_timeout": "150ms"}
    result = launch(place, backfill_production_path, asked, instance)
    assert result.success
    said = lines(instance, result)
    assert "canceling statement due to statement timeout; going on with 50 rows a batch" in said
    assert without_path(place.engine) == 0


def test_batches_shrink_so_that_nobody_waits_long_for_one_of_their_rows(
    place: Environment,
) -> None:
    old_rows.fill(place.engine, 1000)
    change(place.engine, SLOW)
    steps = [step.done for step in fill(place.engine, JOBS, Terms(batch_size=400), print)]
    batches = [after - before for before, after in pairwise(steps)]
    assert batches[0] == 400
    assert max(batches[1:]) <= 125


def test_a_table_that_stays_busy_is_given_up_without_stopping_its_writers(
    place: Environment, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alteration, "TRIES", 2)
    monkeypatch.setattr(alteration, "PAUSE", 0.02)
    old_rows.fill(place.engine, 10)
    with holding(place.engine, f"UPDATE {JOBS} SET retry_count = 1"):
        asked = FOR_REAL | {"lock_timeout": "20ms"}
        result = launch(place, backfill_production_path, asked, instance)
    assert not result.success
    assert "lock timeout" in lines(instance, result)
    assert without_path(place.engine) == 10


def test_a_user_who_may_not_put_up_a_trigger_is_told_what_to_do(
    place: Environment, instance: dg.DagsterInstance, database: str
) -> None:
    old_rows.fill(place.engine, 10)
    name = f"clerk_{urlsplit(database).path.removeprefix('/')}"
    change(
        place.engine,
        f"CREATE ROLE {name} LOGIN",
        f"GRANT SELECT, UPDATE ON {JOBS} TO {name}",
        f"GRANT USAGE ON SCHEMA quel TO {name}",
    )
    theirs = database.replace("postgres:@", f"{name}:@", 1)
    clerk = Environment({**place.variables, "QUEL_DATABASE_URL": theirs})
    refused = launch(clerk, backfill_production_path, FOR_REAL, instance)
    assert not refused.success
    assert "or launch with keep_updated_at: false" in lines(instance, refused)
    given_up = FOR_REAL | {"keep_updated_at": False}
    assert launch(clerk, backfill_production_path, given_up, instance).success
    assert without_path(place.engine) == 0
    clerk.close()
    change(place.engine, f"DROP OWNED BY {name}", f"DROP ROLE {name}")
