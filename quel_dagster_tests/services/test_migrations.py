"""Migrating an empty database and one full of rows; twice, at once, and interrupted."""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DataError

from quel_dagster.model.errors import ConfigurationError, Unavailable
from quel_dagster.services import statements
from quel_dagster.services.database import connect
from quel_dagster.services.migrations import migrate, read, record_cut_off
from quel_dagster.services.turns import ADVISORY_LOCK

FILES = sorted(path.name for path in (statements.root() / "migrations").iterdir())
PENDING_INDEX = "0007_pending_jobs_index.sql"
JOB_PATH = "0005_job_path.sql"

SHAPE = """
    SELECT concat_ws(' ', table_name, column_name, udt_name, is_nullable, column_default)
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index
    WHERE indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    UNION ALL SELECT concat(conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
    WHERE NOT tgisinternal AND relnamespace = 'public'::regnamespace
    UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT concat(enumtypid::regtype, enumlabel) FROM pg_enum
"""


@pytest.fixture
def empty(empty_database: str) -> Iterator[sa.Engine]:
    """An empty database."""
    engine = connect(empty_database)
    yield engine
    engine.dispose()


@pytest.fixture
def migrated(database: str) -> Iterator[sa.Engine]:
    """A database that was migrated."""
    engine = connect(database)
    yield engine
    engine.dispose()


@pytest.fixture
def production(empty: sa.Engine) -> sa.Engine:
    """A database with the front end's tables and rows, from before the production paths."""
    script = Path(__file__).with_name("production_before.sql").read_text(encoding="utf-8")
    with empty.begin() as connection:
        connection.exec_driver_sql(script, execution_options={"no_parameters": True})
    return empty


@pytest.fixture
def sql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of migrations, in a copy that a test may change."""
    copy = tmp_path / "sql"
    shutil.copytree(statements.root(), copy)
    monkeypatch.setattr(statements, "root", lambda: copy)
    return copy / "migrations"


def values(engine: sa.Engine, statement: str) -> list[str]:
    """The first column, as text, sorted."""
    with engine.connect() as connection:
        return sorted(map(str, connection.execute(sa.text(statement)).scalars()))


def recorded(engine: sa.Engine) -> list[str]:
    return values(engine, "SELECT name FROM quel.migration")


def forget_pending_index(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("DROP INDEX quel_production_jobs_pending"))
        connection.execute(
            sa.text("DELETE FROM quel.migration WHERE name = :name"), {"name": PENDING_INDEX}
        )


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)


def test_an_empty_database_gets_every_file_once_and_in_order(empty: sa.Engine) -> None:
    assert migrate(empty) == FILES
    assert migrate(empty) == []
    assert recorded(empty) == FILES


def test_production_keeps_every_row(production: sa.Engine) -> None:
    names = values(production, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert len(names) == 6
    before = {name: rows(production, name) for name in names}
    migrate(production)
    assert {name: rows(production, name) for name in names} == before
    assert len(before["quel_production_jobs"]) == 6


def rows(engine: sa.Engine, table: str) -> list[str]:
    return values(engine, f"SELECT to_jsonb(t) - 'quel_production_path' FROM {table} t")


def test_production_keeps_its_shape_and_gains_what_is_missing(production: sa.Engine) -> None:
    before = set(values(production, SHAPE))
    migrate(production)
    after = set(values(production, SHAPE))
    assert before <= after
    new = {re.split(" USING| FOR EACH", line)[0] for line in after - before}
    assert {line for line in new if "quel_organization_member" not in line} == {
        *(f"production_status_enum{value}" for value in ("failed", "cancelled", "user_cancelled")),
        "quel_production_photo quel_production_path varchar YES",
        "quel_production_jobs quel_production_path varchar YES",
        "CREATE INDEX quel_production_jobs_pending ON public.quel_production_jobs",
        "CREATE UNIQUE INDEX quel_credits_one_charge_per_picture ON public.quel_credits",
        "CREATE INDEX quel_credits_of_organization ON public.quel_credits",
        "CREATE INDEX quel_production_jobs_started ON public.quel_production_jobs",
        "CREATE INDEX quel_production_jobs_completed ON public.quel_production_jobs",
        *(
            f"CREATE TRIGGER quel_note_late_{verb.lower()} AFTER {verb} "
            "ON public.quel_production_jobs"
            for verb in ("INSERT", "UPDATE", "DELETE")
        ),
    }


def test_six_at_once_apply_each_file_once(empty_database: str) -> None:
    start = Barrier(6)

    def migrate_at_once(_: int) -> list[str]:
        engine = connect(empty_database)
        start.wait()
        applied = migrate(engine)
        engine.dispose()
        return applied

    with ThreadPoolExecutor(6) as threads:
        applied = list(threads.map(migrate_at_once, range(6)))
    assert sorted(applied) == [[], [], [], [], [], FILES]


def test_a_run_that_does_not_get_its_turn_says_so(migrated: sa.Engine) -> None:
    with migrated.connect() as other:
        other.execute(sa.select(sa.func.pg_advisory_lock(ADVISORY_LOCK)))
        with pytest.raises(Unavailable, match="another migration of this database"):
            migrate(migrated, wait=timedelta(seconds=0.2))
        other.invalidate()
    assert migrate(migrated) == []


def test_a_run_leaves_its_settings_on_no_connection_of_the_pool(empty_database: str) -> None:
    engine = connect(empty_database, pool_size=1)
    migrate(engine)
    assert values(engine, "SELECT current_setting('statement_timeout')") == ["30s"]
    engine.dispose()


def test_a_changed_file_is_refused_before_anything_is_applied(
    migrated: sa.Engine, sql: Path
) -> None:
    with (sql / JOB_PATH).open("a", encoding="utf-8") as file:
        file.write("-- One more thing.\n")
    (sql / "0099_new.sql").write_text("CREATE TABLE quel.new ();")
    with pytest.raises(ConfigurationError, match=rf"{JOB_PATH} was changed .* into a new file"):
        migrate(migrated)
    assert recorded(migrated) == FILES


def test_other_line_ends_are_no_change(migrated: sa.Engine, sql: Path) -> None:
    file = sql / JOB_PATH
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert migrate(migrated) == []


def test_a_file_that_fails_leaves_nothing_behind(migrated: sa.Engine, sql: Path) -> None:
    new = sql / "0099_new.sql"
    new.write_text("CREATE TABLE quel.new (); SELECT 1 / 0;")
    with pytest.raises(DataError, match=r"(?s)0099_new.sql.*division by zero"):
        migrate(migrated)
    new.write_text("CREATE TABLE quel.new (); DO $$BEGIN PERFORM format('%s %%', 1); END$$;")
    assert migrate(migrated) == ["0099_new.sql"]


def test_a_file_without_transaction_holds_one_statement(tmp_path: Path) -> None:
    file = tmp_path / "0001_two.sql"
    file.write_text("-- quel: no transaction\nSELECT 1; -- one;\nSELECT 2;\n")
    with pytest.raises(ConfigurationError, match=r"0001_two.sql: .* holds one statement"):
        read(tmp_path)
    file.write_text("-- quel: no transaction\nSELECT 1; -- one;\n")
    assert not read(tmp_path)[0].transactional


def test_a_busy_table_is_not_blocked_and_the_next_run_goes_on(production: sa.Engine) -> None:
    with production.connect() as reader:
        reader.execute(sa.text("SELECT 1 FROM quel_production_jobs"))
        with pytest.raises(Unavailable, match=rf"{JOB_PATH}: .*lock timeout; .* try again"):
            migrate(production)
    done = FILES.index(JOB_PATH)
    assert recorded(production) == FILES[:done]
    assert migrate(production) == FILES[done:]


def test_an_index_whose_build_was_killed_is_built_again(migrated: sa.Engine) -> None:
    index = "to_regclass('quel_production_jobs_pending')"
    valid = f"SELECT indisvalid FROM pg_index WHERE indexrelid = {index}"
    kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_progress_create_index"
    forget_pending_index(migrated)
    with ThreadPoolExecutor(1) as thread, migrated.connect() as writer:
        writer.execute(sa.text("LOCK TABLE quel_production_jobs IN ROW EXCLUSIVE MODE"))
        run = thread.submit(migrate, migrated)
        eventually(lambda: values(migrated, valid) == ["False"])
        assert values(migrated, kill) == ["True"]
        with pytest.raises(Unavailable, match=PENDING_INDEX):
            run.result()
    assert values(migrated, valid) == ["False"]
    assert migrate(migrated) == [PENDING_INDEX]
    assert values(migrated, valid) == ["True"]


def test_the_cut_off_is_recorded_once(migrated: sa.Engine) -> None:
    first = record_cut_off(migrated, timedelta(hours=24))
    (now,) = values(migrated, "SELECT clock_timestamp() - INTERVAL '24 hours'")
    assert now >= str(first)
    assert record_cut_off(migrated, timedelta(hours=1)) == first
