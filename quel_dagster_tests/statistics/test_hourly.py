"""The assets of the paths: what Dagster is told of an hour, and which hours a run counts."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import dagster as dg
import sqlalchemy as sa

from quel_dagster.services.path_hours import HOUR, PathHour, PathHours, path_hour
from quel_dagster.statistics.hourly import HOURS, asset_key
from quel_dagster_tests.statistics.history import (
    PATHS,
    add_attempt,
    add_job,
    count_by_hand,
    found_house,
    live_through,
    this_hour,
)
from quel_dagster_tests.statistics.office import Office

JOB = "hourly_statistics"


def key(hour: datetime) -> str:
    return hour.strftime("%Y-%m-%d-%H:%M")


def numbers(metadata: object) -> dict[str, object]:
    assert isinstance(metadata, dict)
    return {name: each.value for name, each in metadata.items() if not name.startswith("dagster/")}


def as_told(counted: PathHour) -> dict[str, object]:
    """A count as metadata spells it."""
    figures = {
        name: value
        for name, value in vars(counted).items()
        if name not in {"path", "hour", "failed_by_kind", "render_seconds"} and value is not None
    }
    kinds = {f"failed_{kind}": n for kind, n in counted.failed_by_kind.items()}
    return {**figures, **kinds, "render_seconds": float(counted.render_seconds)}


def test_an_hour_is_counted_for_every_path_and_told_in_numbers(
    engine: sa.Engine, office: Office
) -> None:
    hour = this_hour() - 3 * HOUR
    live_through(engine, 200, hour - HOUR)
    office.run(JOB, key(hour))
    by_hand = count_by_hand(engine, hour)
    for path in PATHS:
        assert numbers(office.metadata_of(path, key(hour))) == as_told(by_hand[path])


def test_a_run_counts_the_hours_that_nobody_counted_too(office: Office) -> None:
    office.run(JOB, key(this_hour() - HOUR))
    for path in PATHS:
        counted = office.instance.get_materialized_partitions(asset_key(path))
        assert counted == {key(this_hour() - n * HOUR) for n in range(1, 73)}


def test_late_events_refresh_their_hours_with_the_next_run(
    engine: sa.Engine, office: Office, path_hours: PathHours
) -> None:
    last, earlier = this_hour() - HOUR, this_hour() - 9 * HOUR
    job_id = add_job(engine, created_at=earlier, quel_production_path=None)
    office.run(JOB, key(last))
    assert office.metadata_of("fashion", key(earlier))["arrived"].value == 0
    add_attempt(engine, job_id, "fashion", requested_path="none")
    result = office.run(JOB, key(last))
    told = {event.partition for event in result.all_events if event.is_step_materialization}
    assert told == {key(last), key(earlier)}
    assert office.metadata_of("fashion", key(earlier))["arrived"].value == 1
    assert path_hours.overdue(10) == []


def test_many_hours_are_counted_by_one_run(office: Office) -> None:
    hours = [this_hour() - n * HOUR for n in (90, 89, 88)]
    ends = {
        "dagster/asset_partition_range_start": key(hours[0]),
        "dagster/asset_partition_range_end": key(hours[-1]),
    }
    result = office.run(JOB, tags=ends)
    told = [event.partition for event in result.all_events if event.is_step_materialization]
    assert set(told) >= set(map(key, hours))


def test_hours_that_the_ui_does_not_offer_are_kept_all_the_same(
    engine: sa.Engine, office: Office, path_hours: PathHours
) -> None:
    found_house(engine, timedelta(days=63))
    long_ago = this_hour() - timedelta(days=63)
    add_job(engine, created_at=long_ago)
    pretend_counted(engine, path_hours, except_for=long_ago)
    office.run(JOB, key(this_hour() - HOUR))
    [counted] = [
        each
        for each in path_hours.since(long_ago)
        if each.hour == long_ago and each.path == "fashion"
    ]
    assert counted.arrived == 1
    assert key(long_ago) not in office.instance.get_materialized_partitions(asset_key("fashion"))


def pretend_counted(engine: sa.Engine, path_hours: PathHours, *, except_for: datetime) -> None:
    hours = [hour for hour in path_hours.overdue(10_000) if hour != except_for]
    zeros = [asdict(PathHour(path="fashion", hour=hour)) for hour in hours]
    with engine.begin() as tx:
        tx.execute(sa.insert(path_hour).values(zeros))


def test_the_schedule_asks_for_the_hour_that_ended(office: Office) -> None:
    schedule = office.definitions.resolve_schedule_def(f"{JOB}_schedule")
    now = this_hour() + timedelta(minutes=5)
    repository = office.definitions.get_repository_def()
    with dg.build_schedule_context(
        instance=office.instance, scheduled_execution_time=now, repository_def=repository
    ) as context:
        [asked] = schedule.evaluate_tick(context).run_requests or []
    assert asked.partition_key == key(this_hour() - HOUR)
    assert schedule.cron_schedule == "5 * * * *"
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING


def test_the_ui_is_offered_weeks_and_not_years() -> None:
    now = datetime.now(UTC)
    offered = HOURS.get_partition_keys(current_time=now)
    assert 62 * 24 <= len(offered) < 63 * 24
    assert offered[-1] == key(this_hour() - HOUR)
