"""The plans of hot queries on a table with a million rows: none of them reads a table whole."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import uuid4

import pytest
import sqlalchemy as sa

from quel_dagster.demo.postgres import Postgres
from quel_dagster.services.database import connect
from quel_dagster.services.migrations import record_cut_off
from quel_dagster.services.statements import load

ROWS = 1_000_000
SERVED = 300_000
"""Of the rows the newest, by us: they have attempts and pictures."""
LARGE = {"quel_production_jobs", "attempt", "slot"}
INDEXES = """
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
    WHERE NOT indisprimary AND indrelid IN
        ('quel_production_jobs'::regclass, 'quel.attempt'::regclass, 'quel.slot'::regclass)
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""
FILL = (
    """
    WITH photo AS (INSERT INTO quel_production_photo DEFAULT VALUES RETURNING production_id)
    INSERT INTO quel_production_jobs (production_id, job_type, batch_index, total_images,
        job_input_data, job_status, quel_production_path, created_at, started_at, completed_at)
    SELECT photo.production_id, 'single_batch', 0, 1, '{}', 'completed',
        (ARRAY['fashion', 'beauty', 'eats', 'cinema', 'cartoon', NULL])[1 + n % 6],
        born.at, born.at + interval '1 min', born.at + interval '2 min'
    FROM photo, generate_series(1, :rows) AS n,
        LATERAL (SELECT now() - n * interval '60 s' AS at) AS born
    """,
    """
    UPDATE quel_production_jobs SET job_status = 'pending', started_at = NULL, completed_at = NULL
    WHERE created_at > now() - interval '30 h'
    """,
    """
    INSERT INTO quel.attempt (job_id, path, attempt, claim_id, phase, leased_until, reserved_at)
    SELECT job_id, 'fashion', 1, gen_random_uuid(),
        CASE WHEN n <= 20 THEN 'started' ELSE 'closed' END,
        CASE WHEN n <= 20 THEN now() + interval '1 min' END, now()
    FROM (
        SELECT job_id, row_number() OVER (ORDER BY created_at DESC) AS n FROM quel_production_jobs
        WHERE job_status = 'completed' ORDER BY created_at DESC LIMIT :served
    ) AS newest
    """,
    """
    UPDATE quel_production_jobs SET job_status = 'processing', completed_at = NULL
    WHERE job_id IN (SELECT job_id FROM quel.attempt WHERE phase = 'started')
    """,
    """
    INSERT INTO quel.slot (job_id, slot, state, s3_key, attach_id, charged, delivered_at)
    SELECT job_id, 0, 'delivered', 'a.webp', row_number() OVER (), 20, completed_at
    FROM quel_production_jobs WHERE job_id IN (SELECT job_id FROM quel.attempt)
    """,
)
NOW = datetime.now(UTC)
SPAN = timedelta(minutes=1)
IDS = [str(uuid4()) for _ in range(50)]
QUERIES: dict[str, dict[str, object]] = {
    "look": {"rung": IDS, "grace": SPAN, "lease": SPAN, "batch": 50},
    "reserve": {
        "path": "fashion",
        "candidates": IDS,
        "requested_paths": [None] * len(IDS),
        "room": 5,
        "lease": SPAN,
    },
    "depths": {"most": 1000},
    "stuck_jobs": {"lapsed": SPAN, "running": SPAN, "most": 10},
    "path_hours": {"begin": NOW - timedelta(days=3), "until": NOW - timedelta(days=3, hours=-1)},
}
LIVING = """
    SELECT count(*) FROM quel.attempt
    WHERE path = 'fashion' AND phase IN ('reserved', 'started') AND leased_until > now()
"""
Node = dict[str, object]


@pytest.fixture(scope="module")
def history(postgres: Postgres, template: str) -> Iterator[sa.Engine]:
    """A million jobs in two years; two thousand of them wait, twenty run."""
    postgres.execute(f"CREATE DATABASE million TEMPLATE {template} STRATEGY file_copy")
    engine = connect(postgres.url("million"), statement_timeout=timedelta(minutes=4))
    record_cut_off(engine, timedelta(days=1))
    with engine.begin() as tx:
        # History fires no trigger; and indexes are built faster when their rows are there.
        tx.exec_driver_sql("SET LOCAL session_replication_role = replica")
        indexes = tx.exec_driver_sql(INDEXES).all()
        for name, _ in indexes:
            tx.exec_driver_sql(f"DROP INDEX {name}")
        for statement in FILL:
            named = {"rows": ROWS, "served": SERVED}
            tx.execute(sa.text(statement), {n: v for n, v in named.items() if f":{n}" in statement})
        for _, definition in indexes:
            tx.exec_driver_sql(definition)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
    yield engine
    engine.dispose()
    postgres.execute("DROP DATABASE million WITH (FORCE)")


def plan(engine: sa.Engine, query: str, values: dict[str, object]) -> list[Node]:
    """The nodes of a query's plan."""
    with engine.connect() as connection:
        explained = sa.text(f"EXPLAIN (FORMAT JSON) {query}")
        (answer,) = connection.execute(explained, values).one()
    top = json.loads(answer) if isinstance(answer, str) else answer
    return list(nodes(top[0]["Plan"]))


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in cast("list[Node]", node.get("Plans", [])):
        yield from nodes(child)


def read_whole(found: list[Node]) -> set[object]:
    """Large tables that a plan reads from end to end."""
    return {node["Relation Name"] for node in found if node["Node Type"] == "Seq Scan"} & LARGE


def used(found: list[Node]) -> set[object]:
    return {node["Index Name"] for node in found if "Index Name" in node}


@pytest.mark.parametrize("name", QUERIES)
def test_a_hot_query_reads_no_large_table_from_end_to_end(history: sa.Engine, name: str) -> None:
    found = plan(history, load(name).text, QUERIES[name])
    assert read_whole(found) == set()
    assert used(found)


def test_the_eligible_jobs_of_a_path_come_from_their_index(history: sa.Engine) -> None:
    found = plan(history, load("look").text, QUERIES["look"])
    assert "quel_production_jobs_pending" in used(found)


def test_living_attempts_are_counted_in_their_index(history: sa.Engine) -> None:
    assert used(plan(history, LIVING, {})) == {"attempt_living"}


def test_an_hour_of_statistics_is_read_by_the_times_of_its_events(history: sa.Engine) -> None:
    by_time = {
        "quel_production_jobs_created",
        "quel_production_jobs_started",
        "quel_production_jobs_completed",
        "slot_delivered",
    }
    assert by_time <= used(plan(history, load("path_hours").text, QUERIES["path_hours"]))


def test_the_jobs_of_the_last_day_are_counted_without_reading_all_of_them(
    history: sa.Engine,
) -> None:
    found = plan(history, load("ended").text, {"most": 10_000})
    assert "quel_production_jobs" not in read_whole(found)
    assert "quel_production_jobs_completed" in used(found)


def test_the_table_has_a_million_rows(history: sa.Engine) -> None:
    with history.connect() as connection:
        count = sa.text("SELECT count(*), count(DISTINCT job_status) FROM quel_production_jobs")
        assert tuple(connection.execute(count).one()) == (ROWS, 3)
