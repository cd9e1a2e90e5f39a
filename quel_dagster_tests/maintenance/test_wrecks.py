"""Old wrecks: listed first, then failed or put back; nothing that is somebody's is touched."""

import time
from datetime import timedelta
from math import ceil
from pathlib import Path
from uuid import UUID

import dagster as dg
import pytest
import sqlalchemy as sa

from quel_dagster.environment import Environment
from quel_dagster.maintenance.wrecks import WrecksConfig, build_close_stale_jobs
from quel_dagster.model.job import Payer
from quel_dagster.services.tables import attempt, photo
from quel_dagster_tests.builders import job_row, make_member, place
from quel_dagster_tests.maintenance.old_rows import launch, lines

CLOSE = build_close_stale_jobs(["fashion", "beauty"])
REASON = "nobody worked on this order for a long time"
FOR_REAL = {"dry_run": False}
MONTH = timedelta(days=40)


def wreck(
    place_: Environment,
    status: str = "pending",
    path: str | None = "fashion",
    age: timedelta = MONTH,
) -> UUID:
    """A row that nothing has touched for so long, as the old server left it."""
    engine = place_.engine
    job_id = place(engine, Payer(member_id=make_member(engine)), path=path)
    set_back(engine, job_id, status, age)
    return job_id


def set_back(engine: sa.Engine, job_id: UUID, status: str, age: timedelta) -> None:
    with engine.begin() as tx:
        tx.exec_driver_sql("SET LOCAL session_replication_role = replica")
        tx.execute(
            sa.text("""
                UPDATE quel_production_jobs SET job_status = CAST(:status AS job_status_enum),
                    created_at = now() - :age, updated_at = now() - :age,
                    started_at = CASE :status WHEN 'processing' THEN now() - :age END
                WHERE job_id = :job_id
            """),
            {"status": status, "age": age, "job_id": job_id},
        )


def status(place_: Environment, job_id: UUID) -> str:
    return job_row(place_.engine, job_id)["job_status"]


def listed(result: dg.ExecuteInProcessResult, name: str) -> list[dict[str, object]]:
    """The rows of a table that a run shows."""
    [output] = [event for event in result.all_events if event.is_successful_output]
    table = output.step_output_data.metadata[name]
    assert isinstance(table, dg.TableMetadataValue)
    return [dict(record.data) for record in table.records]


def test_every_field_of_the_launchpad_is_explained() -> None:
    assert all(field.description for field in WrecksConfig.model_fields.values())


def test_a_launch_without_configuration_lists_wrecks_by_path_and_age(
    place: Environment, instance: dg.DagsterInstance
) -> None:
    began = time.monotonic()
    pending = [wreck(place), wreck(place), wreck(place, age=timedelta(days=8))]
    processing = wreck(place, "processing", "beauty", timedelta(days=400))
    elsewhere = wreck(place, path="landing")
    young = wreck(place, age=timedelta(days=6))
    result = launch(place, CLOSE, {}, instance)
    taken = ceil(time.monotonic() - began)
    assert result.success
    group = ("path", "status", "age", "rows", "to be ended")
    rows = [tuple(row[name] for name in group) for row in listed(result, "by_path_and_age")]
    assert rows == [
        ("beauty", "processing", "365 days or more", 1, 1),
        ("fashion", "pending", "7 days or more", 1, 1),
        ("fashion", "pending", "30 days or more", 2, 2),
        ("landing", "pending", "30 days or more", 1, 0),
    ]
    oldest = listed(result, "the_oldest_to_be_ended")
    age = str(oldest[0]["age"])
    assert age in {str(timedelta(days=400, seconds=late)) for late in range(taken + 1)}
    assert oldest[0] == {
        "job_id": str(processing),
        "path": "beauty",
        "status": "processing",
        "age": age,
    }
    assert {row["job_id"] for row in oldest} == {str(each) for each in [*pending, processing]}
    assert "dry run: nothing was changed" in lines(instance, result)
    untouched = {status(place, each) for each in [*pending, elsewhere, young]}
    assert (untouched, status(place, processing)) == ({"pending"}, "processing")


def test_wrecks_are_failed_with_the_reason_and_their_photo_follows(
    place: Environment, instance: dg.DagsterInstance
) -> None:
    jobs = [wreck(place), wreck(place, "processing"), wreck(place, path=None)]
    result = launch(place, CLOSE, FOR_REAL, instance)
    assert result.success
    assert "failed: 3" in lines(instance, result)
    for job_id in jobs:
        row = job_row(place.engine, job_id)
        assert (row["job_status"], row["error_message"]) == ("failed", REASON)
        assert row["completed_at"] is not None
        with place.engine.connect() as connection:
            mine = photo.c.production_id == row["production_id"]
            assert connection.scalar(sa.select(photo.c.production_status).where(mine)) == "failed"
    assert place.outbox.untold().count == 0, "who closes them need not be told"
    assert "0 rows are stale" in lines(instance, launch(place, CLOSE, FOR_REAL, instance))


def test_a_wreck_that_is_put_back_is_let_in(
    place: Environment, instance: dg.DagsterInstance
) -> None:
    job_id = wreck(place, "processing")
    asked = {"dry_run": False, "action": "put_back", "reason": "tried once more"}
    assert launch(place, CLOSE, asked, instance).success
    row = job_row(place.engine, job_id)
    assert (row["job_status"], row["error_message"]) == ("pending", "tried once more")
    assert row["started_at"] is None
    [waiting] = place.store.look([], timedelta(0), 10)
    assert waiting.job_id == job_id
    [reservation] = place.store.reserve("fashion", [(job_id, None)], 1)
    assert reservation.ticket.attempt == 1


def test_what_a_living_attempt_holds_is_not_stale_and_what_a_dead_one_held_is(
    place: Environment, instance: dg.DagsterInstance
) -> None:
    jobs = [wreck(place, age=timedelta(0)) for _ in range(2)]
    for job_id in jobs:
        [reserved] = place.store.reserve("fashion", [(job_id, None)], 10)
        place.store.open(reserved.ticket, f"run {job_id}")
        set_back(place.engine, job_id, "processing", MONTH)
    alive, dead = jobs
    with place.engine.begin() as tx:
        long_ago = sa.func.clock_timestamp() - MONTH
        tx.execute(sa.update(attempt).values(updated_at=long_ago))
        tx.execute(sa.update(attempt).where(attempt.c.job_id == dead).values(leased_until=long_ago))
    assert launch(place, CLOSE, FOR_REAL, instance).success
    assert (status(place, alive), status(place, dead)) == ("processing", "failed")


def test_orders_in_line_and_rows_that_were_touched_lately_are_left_alone(
    place: Environment, instance: dg.DagsterInstance
) -> None:
    in_line = wreck(place, age=timedelta(hours=20))
    touched = wreck(place, "processing")
    with place.engine.begin() as tx:
        this = {"id": touched}
        tx.execute(
            sa.text("UPDATE quel_production_jobs SET completed_images = 1 WHERE job_id = :id"), this
        )
    result = launch(place, CLOSE, {"dry_run": False, "max_age": "1h"}, instance)
    assert [row["in line"] for row in listed(result, "by_path_and_age")] == [1]
    assert (status(place, in_line), status(place, touched)) == ("pending", "processing")
    asked = {"dry_run": False, "max_age": "1h", "in_line": True}
    assert launch(place, CLOSE, asked, instance).success
    assert (status(place, in_line), status(place, touched)) == ("failed", "processing")


def test_paths_that_are_not_enabled_are_left_alone_unless_asked_for(
    place: Environment, instance: dg.DagsterInstance
) -> None:
    config = Path(place.variables["QUEL_CONFIG"])
    closed = "worker:\n  modules: {beauty: {enabled: false}}"
    config.write_text(config.read_text().replace("worker:", closed, 1))
    fashion, beauty = wreck(place), wreck(place, path=" Beauty ")
    assert launch(place, CLOSE, FOR_REAL, instance).success
    assert (status(place, fashion), status(place, beauty)) == ("failed", "pending")
    assert launch(place, CLOSE, {"dry_run": False, "paths": ["beauty"]}, instance).success
    assert status(place, beauty) == "failed"


def test_a_row_that_somebody_holds_is_passed_over(
    place: Environment, instance: dg.DagsterInstance
) -> None:
    job_id = wreck(place)
    with place.engine.connect() as other:
        held = sa.text("SELECT 1 FROM quel_production_jobs WHERE job_id = :id FOR UPDATE")
        other.execute(held, {"id": job_id})
        result = launch(place, CLOSE, FOR_REAL, instance)
        other.rollback()
    assert "left_alone: 1" in lines(instance, result)
    assert status(place, job_id) == "pending"


@pytest.mark.parametrize(("most", "left"), [(1, 2), (0, 0)])
def test_a_first_try_ends_the_oldest(
    place: Environment, instance: dg.DagsterInstance, most: int, left: int
) -> None:
    jobs = [wreck(place, age=timedelta(days=days)) for days in (30, 50, 40)]
    assert launch(place, CLOSE, {"dry_run": False, "max_jobs": most}, instance).success
    statuses = [status(place, job_id) for job_id in jobs]
    assert (statuses[1], statuses.count("pending")) == ("failed", left)
