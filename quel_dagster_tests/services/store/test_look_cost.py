"""What a tick costs the database, whatever the backlog."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import cast
from uuid import UUID

import pytest
import sqlalchemy as sa

from quel_dagster.services.statements import load

GIVEN = "quel_production_jobs"
PATHS = 7
"""Spellings of a path among the rows, none being one of them."""
BATCH = 50
INDEXES = {f"{GIVEN}_pending", f"{GIVEN}_pkey"}
FILL = sa.text("""
    WITH photo AS (INSERT INTO quel_production_photo DEFAULT VALUES RETURNING production_id)
    INSERT INTO quel_production_jobs (production_id, job_type, batch_index, total_images,
        job_input_data, job_status, quel_production_path, created_at)
    SELECT photo.production_id, 'single_batch', 0, 1, '{"basePrompt": "a suit"}',
        CAST(:status AS job_status_enum),
        (ARRAY['fashion', 'beauty', 'eats', 'cinema', 'cartoon', 'Fashion', NULL])[1 + n % 7],
        clock_timestamp() - interval '1 hour' + n * interval '10 ms'
    FROM photo, generate_series(1, :count) AS n
""")
CLOSE = sa.text("""
    INSERT INTO quel.attempt (job_id, path, attempt, claim_id, phase)
    SELECT job_id, 'fashion', 1, gen_random_uuid(), 'closed'
    FROM quel_production_jobs WHERE job_status = 'completed'
""")
Node = dict[str, object]


@pytest.fixture
def history(engine: sa.Engine) -> sa.Engine:
    """Twenty thousand jobs that ended, and ten thousand that wait."""
    fill(engine, "completed", 20_000)
    with engine.begin() as tx:
        tx.execute(CLOSE)
    fill(engine, "pending", 10_000)
    return engine


def fill(engine: sa.Engine, status: str, count: int) -> None:
    with engine.begin() as tx:
        tx.execute(FILL, {"status": status, "count": count})


def explain(engine: sa.Engine) -> Node:
    """The plan of a tick with a hundred rings, as it was executed with fresh statistics."""
    first = sa.text(f"SELECT job_id FROM {GIVEN} ORDER BY job_id LIMIT 100")
    with engine.connect() as connection:
        rung: list[UUID] = list(connection.execute(first).scalars())
    span = timedelta(seconds=30)
    ids = [str(job_id) for job_id in rung]
    return explained(engine, "look", {"rung": ids, "grace": span, "lease": span, "batch": BATCH})


def explained(engine: sa.Engine, name: str, values: dict[str, object]) -> Node:
    """The plan of a statement that reads in order, as it was executed with fresh statistics."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE"))
    with engine.begin() as tx:
        tx.execute(load("in_order"))
        analyze = sa.text(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {load(name).text}")
        (answer,) = tx.execute(analyze, values).one()
    plans = json.loads(answer) if isinstance(answer, str) else answer
    return plans[0]["Plan"]


def nodes(plan: Node) -> Iterator[Node]:
    yield plan
    for child in cast("list[Node]", plan.get("Plans", [])):
        yield from nodes(child)


def number(node: Node, name: str) -> float:
    return float(cast("float", node.get(name, 0)))


def rows_read(plan: Node) -> float:
    """Rows of the given table that the plan touched, those it threw away included."""
    names = "Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck"
    return sum(
        sum(number(node, name) for name in names) * number(node, "Actual Loops")
        for node in nodes(plan)
        if node.get("Relation Name") == GIVEN
    )


def blocks_read(plan: Node) -> float:
    return number(plan, "Shared Hit Blocks") + number(plan, "Shared Read Blocks")


def test_a_tick_reads_no_table_from_end_to_end(history: sa.Engine) -> None:
    plan = list(nodes(explain(history)))
    scanned = {node["Relation Name"] for node in plan if node["Node Type"] == "Seq Scan"}
    used = {str(node["Index Name"]) for node in plan if "Index Name" in node}
    assert scanned <= {"cut_off"}
    assert {name for name in used if name.startswith(GIVEN)} == INDEXES


def test_a_tick_costs_the_same_whatever_the_backlog(history: sa.Engine) -> None:
    before = explain(history)
    fill(history, "pending", 30_000)
    after = explain(history)
    assert rows_read(before) > 0
    assert rows_read(after) <= 1.1 * rows_read(before)
    assert blocks_read(after) <= 1.5 * blocks_read(before)


@pytest.mark.parametrize("ended", [0, 20, 1_000])
def test_a_long_backlog_is_not_read_though_little_was_ever_let_in(
    engine: sa.Engine, ended: int
) -> None:
    fill(engine, "completed", ended)
    with engine.begin() as tx:
        tx.execute(CLOSE)
    fill(engine, "pending", 20_000)
    plan = explain(engine)
    found = PATHS * BATCH + 100
    probes = PATHS + 1
    assert found <= rows_read(plan) <= 2 * found + probes


def test_wrecks_from_before_the_cut_off_cost_nothing(history: sa.Engine) -> None:
    before = explain(history)
    fill(history, "pending", 10_000)
    with history.begin() as tx:
        wrecked = f"SELECT job_id FROM {GIVEN} WHERE job_status = 'pending' LIMIT 10000"
        tx.execute(
            sa.text(
                f"UPDATE {GIVEN} SET created_at = created_at - interval '9 days' "
                f"WHERE job_id IN ({wrecked})"
            )
        )
    assert rows_read(explain(history)) <= 1.1 * rows_read(before)
