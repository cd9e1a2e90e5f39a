"""The backfill as an operator launches it: first dry, then for real, then with other wishes."""

import dagster as dg
import pytest

from quel_dagster.environment import Environment
from quel_dagster.maintenance import backfill as maintenance_backfill
from quel_dagster.maintenance.backfill import BackfillConfig, backfill_production_path
from quel_dagster.services.keeping import CREATE, TRIGGER
from quel_dagster_tests.maintenance.old_rows import (
    JOBS,
    PHOTOS,
    change,
    figures,
    fill,
    launch,
    lines,
    number,
    without_path,
)

TOUCHED = f"SELECT count(*) FROM {JOBS} WHERE updated_at > now() - interval '1 day'"
OUR_TRIGGERS = "SELECT count(*) FROM pg_trigger WHERE tgname LIKE '%keep_updated_at'"


def test_every_field_of_the_launchpad_is_explained() -> None:
    fields = BackfillConfig.model_fields
    assert list(fields) == [
        "dry_run",
        "tables",
        "batch_size",
        "pause",
        "max_rows",
        "statement_timeout",
        "lock_timeout",
        "keep_updated_at",
        "set_default",
    ]
    assert all(field.description for field in fields.values())


def test_a_launch_without_configuration_counts_and_changes_nothing(
    place: Environment, instance: dg.DagsterInstance
) -> None:
    fill(place.engine, 12_000, photos=3)
    result = launch(place, backfill_production_path, {}, instance)
    assert result.success
    said = lines(instance, result)
    assert "3 rows have no path; 3 would get 'fashion' in 1 transactions" in said
    assert "12000 rows have no path; 12000 would get 'fashion' in 2 transactions" in said
    assert "with 0:00:00 of pauses; updated_at is kept" in said
    assert "the column's default is none" in said
    assert "dry run: nothing was changed" in said
    assert without_path(place.engine) == 12_000


def test_rows_without_a_path_become_fashion_and_look_as_old_as_they_are(
    place: Environment, instance: dg.DagsterInstance
) -> None:
    fill(place.engine, 2000, photos=30)
    change(place.engine, f"UPDATE {PHOTOS} SET quel_production_path = 'eats' WHERE ctid = '(0,1)'")
    result = launch(
        place, backfill_production_path, {"dry_run": False, "batch_size": 300}, instance
    )
    assert result.success
    assert without_path(place.engine) == without_path(place.engine, PHOTOS) == 0
    fashion = "SELECT count(*) FROM {} WHERE quel_production_path = 'fashion'"
    assert number(place.engine, fashion.format(JOBS)) == 2000
    assert number(place.engine, fashion.format(PHOTOS)) == 29
    assert number(place.engine, TOUCHED) == 0
    assert number(place.engine, OUR_TRIGGERS) == 0
    kept = figures(result)
    assert (kept["done"], kept["left"], kept["time_to_go"]) == (2000, 0, "0:00:00")
    assert isinstance(rate := kept["rows_per_second"], float)
    assert rate > 0
    assert f"{JOBS}: 2000 rows done, 0 left" in lines(instance, result)


def test_progress_is_told_in_the_log_and_drawn_by_the_ui(
    place: Environment, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance_backfill, "EVERY", 0.0)
    fill(place.engine, 400)
    asked = {"dry_run": False, "tables": [JOBS], "batch_size": 100}
    result = launch(place, backfill_production_path, asked, instance)
    told = [event for event in result.all_events if event.event_type_value == "ASSET_OBSERVATION"]
    kept = [event.asset_observation_data.asset_observation.metadata for event in told]
    first = {name: value.value for name, value in kept[0].items()}
    assert (first["done"], first["left"]) == (100, 300)
    assert first.keys() == {"done", "left", "rows_per_second", "time_to_go"}
    assert f"{JOBS}: 100 rows done, 300 left, " in (said := lines(instance, result))
    assert f"{JOBS}: 400 rows done, 0 left, " in said


def test_the_trigger_that_a_killed_run_left_does_nothing_to_others_and_is_taken_down(
    place: Environment, instance: dg.DagsterInstance
) -> None:
    fill(place.engine, 10)
    change(place.engine, CREATE.format(trigger=TRIGGER, table=JOBS))
    change(place.engine, f"UPDATE {JOBS} SET retry_count = 1")
    assert number(place.engine, TOUCHED) == 10
    assert launch(place, backfill_production_path, {"dry_run": False}, instance).success
    assert number(place.engine, OUR_TRIGGERS) == 0


def test_updated_at_moves_where_an_operator_gives_it_up(
    place: Environment, instance: dg.DagsterInstance
) -> None:
    fill(place.engine, 10)
    asked = {"dry_run": False, "keep_updated_at": False}
    assert launch(place, backfill_production_path, asked, instance).success
    assert number(place.engine, TOUCHED) == 10


def test_the_default_keeps_rows_without_a_path_away(
    place: Environment, instance: dg.DagsterInstance
) -> None:
    fill(place.engine, 10)
    asked = {"dry_run": False, "set_default": True}
    assert launch(place, backfill_production_path, asked, instance).success
    fill(place.engine, 5, photos=5)
    assert without_path(place.engine) == without_path(place.engine, PHOTOS) == 0
    said = lines(instance, launch(place, backfill_production_path, {}, instance))
    assert "0 rows have no path" in said
    assert "the column's default is 'fashion'" in said


def test_only_the_named_tables_are_filled_and_others_are_refused(
    place: Environment, instance: dg.DagsterInstance
) -> None:
    fill(place.engine, 10)
    assert launch(
        place, backfill_production_path, {"dry_run": False, "tables": [PHOTOS]}, instance
    ).success
    assert (without_path(place.engine, PHOTOS), without_path(place.engine)) == (0, 10)
    result = launch(
        place, backfill_production_path, {"dry_run": False, "tables": ["pg_class"]}, instance
    )
    assert not result.success
    assert f"no such table: pg_class; use {PHOTOS}, {JOBS}" in lines(instance, result)


def test_a_span_without_a_unit_is_refused_by_the_name_of_its_field(
    place: Environment, instance: dg.DagsterInstance
) -> None:
    fill(place.engine, 10)
    result = launch(place, backfill_production_path, {"dry_run": False, "pause": "20"}, instance)
    assert not result.success
    said = lines(instance, result)
    assert "pause" in said
    assert "expected a number and a unit such as 4s, 5m or 24h, got '20'" in said
    assert without_path(place.engine) == 10


def test_a_first_try_ends_well_with_rows_left(
    place: Environment, instance: dg.DagsterInstance
) -> None:
    fill(place.engine, 1000)
    asked = {"dry_run": False, "max_rows": 250, "batch_size": 100}
    result = launch(place, backfill_production_path, asked, instance)
    assert result.success
    assert (figures(result)["done"], without_path(place.engine)) == (250, 750)


@pytest.mark.parametrize("rows", [0, 1])
def test_hardly_any_rows_are_no_trouble(
    place: Environment, instance: dg.DagsterInstance, rows: int
) -> None:
    fill(place.engine, rows, photos=rows)
    result = launch(place, backfill_production_path, {"dry_run": False}, instance)
    assert result.success
    assert figures(result)["done"] == rows
