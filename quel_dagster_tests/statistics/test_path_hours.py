"""The statistics of an hour: exact, counted again when the hour becomes late, counted at all."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from quel_dagster.model.status import JobStatus
from quel_dagster.services.path_hours import HOUR, PathHours
from quel_dagster.services.tables import attempt, job, slot
from quel_dagster_tests.statistics.history import (
    PATHS,
    add_attempt,
    add_job,
    add_picture,
    count_by_hand,
    live_through,
    this_hour,
)

MINUTE = timedelta(minutes=1)


def count_all(path_hours: PathHours) -> list[datetime]:
    """Counts every overdue hour; which these were."""
    hours = path_hours.overdue(1000)
    for hour in hours:
        path_hours.refresh(hour, PATHS)
    return hours


def test_every_figure_equals_a_recount_of_the_raw_rows(
    engine: sa.Engine, path_hours: PathHours
) -> None:
    begin = this_hour() - 4 * HOUR
    live_through(engine, 300, begin)
    for hour in (begin + n * HOUR for n in range(4)):
        by_hand = count_by_hand(engine, hour)
        assert {each.path: each for each in path_hours.measure(hour, hour + HOUR)} == by_hand
        kept = {each.path: each for each in path_hours.refresh(hour, PATHS)}
        assert {each.path: each for each in path_hours.since(hour) if each.hour == hour} == kept
        assert set(kept) == {*PATHS, *by_hand}
        assert {path: kept[path] for path in by_hand} == by_hand


def test_every_kind_of_figure_occurs_in_that_recount(engine: sa.Engine) -> None:
    begin = this_hour() - 4 * HOUR
    live_through(engine, 300, begin)
    hour = list(count_by_hand(engine, begin + HOUR).values())
    for name in ("fallbacks", "partly_completed", "cancelled", "failed_pictures", "credits"):
        assert any(getattr(each, name) for each in hour), name
    kinds = {kind for each in hour for kind in each.failed_by_kind}
    assert kinds >= {"refused", "unknown", "invalid_job"}


def test_hours_of_a_house_that_is_an_hour_old_are_counted_once(path_hours: PathHours) -> None:
    hours = count_all(path_hours)
    assert hours == [this_hour() - n * HOUR for n in range(1, len(hours) + 1)]
    assert len(hours) == 72
    assert count_all(path_hours) == []


def reorder(engine: sa.Engine, job_id: UUID) -> None:
    change(engine, job_id, job_status=JobStatus.PENDING)
    change(engine, job_id, job_status=JobStatus.PROCESSING, started_at=sa.func.now())
    change(engine, job_id, job_status=JobStatus.COMPLETED, completed_at=sa.func.now())


def change(engine: sa.Engine, job_id: UUID, **values: object) -> None:
    with engine.begin() as tx:
        tx.execute(sa.update(job).where(job.c.job_id == job_id).values(values))


def delete(engine: sa.Engine, job_id: UUID) -> None:
    with engine.begin() as tx:
        tx.execute(sa.delete(job).where(job.c.job_id == job_id))


def name_path(engine: sa.Engine, job_id: UUID) -> None:
    change(engine, job_id, quel_production_path="beauty")


def forget_attempt(engine: sa.Engine, job_id: UUID) -> None:
    with engine.begin() as tx:
        tx.execute(sa.delete(attempt).where(attempt.c.job_id == job_id))


def change_fate(engine: sa.Engine, job_id: UUID) -> None:
    with engine.begin() as tx:
        tx.execute(
            sa.update(attempt).where(attempt.c.job_id == job_id).values(path="beauty", failure="x")
        )


def charge_less(engine: sa.Engine, job_id: UUID) -> None:
    with engine.begin() as tx:
        tx.execute(sa.update(slot).where(slot.c.job_id == job_id).values(charged=1))


@pytest.mark.parametrize(
    "touch", [reorder, delete, name_path, forget_attempt, change_fate, charge_less]
)
def test_whatever_changes_a_finished_hour_makes_it_overdue(
    engine: sa.Engine, path_hours: PathHours, touch: Callable[[sa.Engine, UUID], None]
) -> None:
    begin = this_hour() - 9 * HOUR
    job_id = add_job(
        engine,
        job_status=JobStatus.FAILED,
        created_at=begin + MINUTE,
        started_at=begin + 2 * HOUR,
        completed_at=begin + 4 * HOUR,
    )
    add_attempt(engine, job_id, "fashion", failure="backend_away", requested_path="sculpture")
    add_picture(engine, job_id, 0, begin + 3 * HOUR)
    count_all(path_hours)
    touch(engine, job_id)
    late = count_all(path_hours)
    assert late
    for hour in (begin + n * HOUR for n in range(9)):
        kept = {each.path: each for each in path_hours.since(hour) if each.hour == hour}
        by_hand = count_by_hand(engine, hour)
        assert {path: kept[path] for path in by_hand} == by_hand
        assert all(not each.arrived for path, each in kept.items() if path not in by_hand)
    assert count_all(path_hours) == []


def test_a_row_imported_with_an_old_date_makes_its_hours_overdue(
    engine: sa.Engine, path_hours: PathHours
) -> None:
    count_all(path_hours)
    begin = this_hour() - 9 * HOUR
    job_id = add_job(engine, created_at=begin, started_at=begin + HOUR)
    add_picture(engine, job_id, 0, begin + 3 * HOUR)
    assert path_hours.overdue(10) == [begin + 3 * HOUR, begin + HOUR, begin]


def test_a_job_that_the_fallback_lets_in_late_moves_its_arrival(
    engine: sa.Engine, path_hours: PathHours
) -> None:
    hour = this_hour() - 5 * HOUR
    job_id = add_job(engine, created_at=hour, quel_production_path=None)
    count_all(path_hours)
    add_attempt(engine, job_id, "fashion", requested_path="none")
    assert count_all(path_hours) == [hour]
    arrived = {each.path: each.arrived for each in path_hours.since(hour) if each.hour == hour}
    assert arrived == {"beauty": 0, "fashion": 1, "modify": 0}


def test_what_happens_at_its_time_makes_no_hour_late(
    engine: sa.Engine, path_hours: PathHours
) -> None:
    hour = this_hour() - 5 * HOUR
    job_id = add_job(engine, created_at=hour, quel_production_path="Fashion ")
    count_all(path_hours)
    add_attempt(engine, job_id, "fashion")
    change(engine, job_id, job_status=JobStatus.PROCESSING, started_at=sa.func.now())
    change(engine, job_id, completed_images=1)
    change(engine, job_id, job_status=JobStatus.COMPLETED, completed_at=sa.func.now())
    assert path_hours.overdue(10) == []


def test_hours_before_our_first_day_are_nobodys(engine: sa.Engine, path_hours: PathHours) -> None:
    count_all(path_hours)
    long_ago = this_hour() - 100 * HOUR
    job_id = add_job(engine, created_at=long_ago, started_at=long_ago)
    delete(engine, job_id)
    assert path_hours.overdue(10) == []


def test_the_front_end_needs_no_right_to_our_schema(
    engine: sa.Engine, path_hours: PathHours
) -> None:
    hour = this_hour() - 5 * HOUR
    job_id = add_job(engine, created_at=hour)
    count_all(path_hours)
    with engine.begin() as tx:
        tx.execute(sa.text("CREATE ROLE front_end"))
        tx.execute(sa.text("GRANT ALL ON ALL TABLES IN SCHEMA public TO front_end"))
        tx.execute(sa.text("SET LOCAL ROLE front_end"))
        tx.execute(sa.update(job).where(job.c.job_id == job_id).values(quel_production_path="eats"))
        tx.execute(sa.text("RESET ROLE"))
        tx.execute(sa.text("DROP OWNED BY front_end"))
        tx.execute(sa.text("DROP ROLE front_end"))
    assert path_hours.overdue(10) == [hour]


def test_a_change_during_the_count_is_noted_for_the_next(
    engine: sa.Engine, path_hours: PathHours
) -> None:
    hour = this_hour() - 2 * HOUR
    job_id = add_job(engine, created_at=hour)
    count_all(path_hours)
    with ThreadPoolExecutor(1) as thread, engine.begin() as tx:
        tx.execute(
            sa.update(job).where(job.c.job_id == job_id).values(quel_production_path="beauty")
        )
        thread.submit(path_hours.refresh, hour, PATHS).result(timeout=30)
    assert path_hours.overdue(10) == [hour]


def test_two_that_count_the_same_hour_leave_one_count(
    engine: sa.Engine, path_hours: PathHours
) -> None:
    hour = this_hour() - 2 * HOUR
    add_job(engine, created_at=hour)
    with ThreadPoolExecutor(8) as threads:
        counting = [threads.submit(path_hours.refresh, hour, PATHS) for _ in range(16)]
    counts = [each.result() for each in counting]
    assert [each for each in path_hours.since(hour) if each.hour == hour] == counts[0]
