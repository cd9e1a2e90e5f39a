"""Rows from before the paths, a house that has them, and the jobs as an operator launches them."""

from collections.abc import Mapping

import dagster as dg
import sqlalchemy as sa

from quel_dagster.environment import Environment

FILL = sa.text("""
    WITH photo AS (
        INSERT INTO quel_production_photo (created_at)
        SELECT clock_timestamp() - interval '1 year' FROM generate_series(1, :photos)
        RETURNING production_id
    ),
    one AS (SELECT production_id FROM photo LIMIT 1)
    INSERT INTO quel_production_jobs (production_id, job_type, batch_index, total_images,
        job_input_data, job_status, created_at, updated_at)
    SELECT one.production_id, 'single_batch', 0, 1, '{"basePrompt": "a suit"}', 'completed',
        clock_timestamp() - interval '1 year', clock_timestamp() - interval '1 year'
    FROM one, generate_series(1, :jobs)
""")
WATCH = (
    "CREATE TABLE change (job_id uuid)",
    """
    CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN INSERT INTO change VALUES (new.job_id); RETURN NULL; END$$
    """,
    """
    CREATE TRIGGER note_change AFTER UPDATE ON quel_production_jobs
    FOR EACH ROW EXECUTE FUNCTION note_change()
    """,
)
"""Every committed change of a job's row leaves a row of its own."""
JOBS = "quel_production_jobs"
PHOTOS = "quel_production_photo"


def fill(engine: sa.Engine, jobs: int, photos: int = 1) -> None:
    """Rows without a path, a year old and untouched since."""
    with engine.begin() as tx:
        tx.execute(FILL, {"jobs": jobs, "photos": photos})


def number(engine: sa.Engine, query: str) -> int:
    """What a query counts."""
    with engine.connect() as connection:
        return connection.scalars(sa.text(query)).one()


def without_path(engine: sa.Engine, table: str = JOBS) -> int:
    return number(engine, f"SELECT count(*) FROM {table} WHERE quel_production_path IS NULL")


def change(engine: sa.Engine, *statements: str) -> None:
    with engine.begin() as tx:
        for statement in statements:
            tx.execute(sa.text(statement))


def launch(
    environment: Environment,
    job: dg.JobDefinition,
    config: Mapping[str, object],
    instance: dg.DagsterInstance,
) -> dg.ExecuteInProcessResult:
    """One run of a maintenance job, failed ones included."""
    [op] = job.graph.nodes
    return job.execute_in_process(
        run_config={"ops": {op.name: {"config": dict(config)}}},
        resources={"database": environment.engine, "settings": environment.settings},
        instance=instance,
        raise_on_error=False,
    )


def lines(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> str:
    """What a run's log says, and why its step failed."""
    records = instance.all_logs(result.run_id)
    said = [record.user_message for record in records]
    for record in records:
        event = record.dagster_event
        if event and event.is_step_failure and event.step_failure_data.user_failure_data:
            said.append(event.step_failure_data.user_failure_data.description or "")
        elif event and event.is_step_failure:
            said.append(str(event.step_failure_data.error))
    return "\n".join(said)


def figures(result: dg.ExecuteInProcessResult, table: str = JOBS) -> dict[str, object]:
    """What a run kept for the UI about a table."""
    [kept] = [
        event.step_materialization_data.materialization
        for event in result.all_events
        if event.is_step_materialization and event.asset_key == dg.AssetKey(["backfill", table])
    ]
    return {name: value.value for name, value in kept.metadata.items()}
