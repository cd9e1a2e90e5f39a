"""What counting an hour costs the database, whatever the history."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from quel_dagster.services.database import connect
from quel_dagster.services.path_hours import HOUR
from quel_dagster.services.statements import load
from quel_dagster_tests.services.store.test_look_cost import Node, blocks_read, nodes
from quel_dagster_tests.statistics.history import this_hour

PER_HOUR = 500
FILL = (
    """
    WITH photo AS (INSERT INTO quel_production_photo DEFAULT VALUES RETURNING production_id)
    INSERT INTO quel_production_jobs (production_id, job_type, batch_index, total_images,
        job_input_data, job_status, quel_production_path, created_at, started_at, completed_at)
    SELECT photo.production_id, 'single_batch', 0, 1, '{}', 'completed', 'fashion',
        born.at, born.at, born.at
    FROM photo, generate_series(CAST(:first AS int), CAST(:last AS int)) AS n,
        LATERAL (
            SELECT CAST(:until AS timestamptz) - n * interval '1 hour' / :per_hour
        ) AS born (at)
    ORDER BY born.at
    """,
    """
    INSERT INTO quel.attempt (job_id, path, attempt, claim_id, phase)
    SELECT job_id, 'fashion', 1, gen_random_uuid(), 'closed' FROM quel_production_jobs
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO quel.slot (job_id, slot, state, s3_key, attach_id, charged, delivered_at)
    SELECT j.job_id, 0, 'delivered', 'a.webp',
        row_number() OVER () + (SELECT coalesce(max(attach_id), 0) FROM quel.slot), 20,
        j.completed_at
    FROM quel_production_jobs AS j
    ON CONFLICT (job_id, slot) DO NOTHING
    """,
)


@pytest.fixture
def engine(database: str) -> Iterator[sa.Engine]:
    """Nothing of the past is noted: it is filled in as replication would."""
    engine = connect(f"{database}&options=-csession_replication_role%3Dreplica")
    yield engine
    engine.dispose()


def fill(engine: sa.Engine, first: int, last: int) -> None:
    values = {"first": first, "last": last, "until": this_hour(), "per_hour": PER_HOUR}
    with engine.begin() as tx:
        for statement in FILL:
            tx.execute(sa.text(statement), values)


def explain(engine: sa.Engine, hour: datetime) -> Node:
    """The plan as it was executed, with fresh statistics."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
    with engine.begin() as tx:
        tx.execute(load("by_index"))
        analyze = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {load('path_hours').text}"
        (plans,) = tx.execute(sa.text(analyze), {"begin": hour, "until": hour + HOUR}).one()
    return plans[0]["Plan"]


def test_an_hour_costs_the_same_beside_ten_times_the_history(engine: sa.Engine) -> None:
    hour = this_hour() - HOUR
    fill(engine, 1, 4_000)
    before = explain(engine, hour)
    fill(engine, 4_001, 40_000)
    after = explain(engine, hour)
    assert blocks_read(before) > PER_HOUR
    assert blocks_read(after) <= 1.5 * blocks_read(before)


def test_no_table_is_read_from_end_to_end(engine: sa.Engine) -> None:
    fill(engine, 1, 10_000)
    plan = list(nodes(explain(engine, this_hour() - timedelta(hours=3))))
    assert not [node["Relation Name"] for node in plan if node["Node Type"] == "Seq Scan"]
    used = {str(node["Index Name"]) for node in plan if "Index Name" in node}
    assert used == {
        "quel_production_jobs_created",
        "quel_production_jobs_started",
        "quel_production_jobs_completed",
        "quel_production_jobs_pkey",
        "attempt_pkey",
        "slot_delivered",
    }
