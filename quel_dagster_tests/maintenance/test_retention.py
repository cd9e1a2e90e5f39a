"""Old runs go from Dagster's tables, by its own public way; nothing else does."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from quel_dagster.demo.dagster import in_schema
from quel_dagster.environment import Environment
from quel_dagster.maintenance.retention import forget_old_runs, forget_old_runs_schedule
from quel_dagster.model.settings import Settings
from quel_dagster.services.database import connect

Status = dg.DagsterRunStatus
STORAGE = """\
storage:
  custom:
    module: quel_dagster.launch.storage
    class: PooledStorage
    config: {{postgres_url: "{url}"}}
telemetry: {{enabled: false}}
"""


@dg.op
def one() -> None: ...


def job_named(name: str, **tags: str) -> dg.JobDefinition:
    return dg.GraphDefinition(name=name, node_defs=[one]).to_job(
        name=name, tags={key.replace("__", "/"): value for key, value in tags.items()}
    )


FASHION = job_named("fashion", quel__path="fashion")
GONE = job_named("gardens", quel__path="gardens")
"""Of a category that is no longer there."""
OTHER = job_named("sweep_once")


class Archive:
    """Dagster's tables with runs of every age."""

    def __init__(self, instance: dg.DagsterInstance, engine: sa.Engine) -> None:
        self.instance = instance
        self._engine = engine

    def ended(self, job: dg.JobDefinition, days: float) -> str:
        run_id = job.execute_in_process(instance=self.instance).run_id
        self._age(run_id, days)
        return run_id

    def unfinished(self, days: float) -> str:
        run = self.instance.create_run_for_job(FASHION, status=Status.STARTED)
        self._age(run.run_id, days)
        return run.run_id

    def forget(self, **config: object) -> dg.ExecuteInProcessResult:
        return forget_old_runs.execute_in_process(
            instance=self.instance,
            run_config={"ops": {"forget": {"config": config}}},
            resources={"settings": SETTINGS},
        )

    def knows(self, *run_ids: str) -> list[bool]:
        return [self.instance.get_run_by_id(run_id) is not None for run_id in run_ids]

    def events(self, run_id: str) -> int:
        return len(self.instance.all_logs(run_id))

    def _age(self, run_id: str, days: float) -> None:
        changed = sa.text(
            "UPDATE runs SET update_timestamp = update_timestamp - CAST(:age AS interval)"
            " WHERE run_id = :run_id"
        )
        with self._engine.begin() as tx:
            tx.execute(changed, {"age": timedelta(days=days), "run_id": run_id})


SETTINGS = Settings.model_validate({"credits": {"price_per_image": 20}})


@pytest.fixture
def archive(place: Environment, tmp_path: Path) -> Iterator[Archive]:
    with place.engine.begin() as tx:
        tx.execute(sa.schema.CreateSchema("dagster"))
    url = in_schema(place.engine.url.render_as_string(hide_password=False), "dagster")
    (tmp_path / "dagster.yaml").write_text(STORAGE.format(url=url))
    engine = connect(url)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield Archive(instance, engine)
    engine.dispose()


def metadata(result: dg.ExecuteInProcessResult) -> dict[str, object]:
    found = result.filter_events(lambda event: event.is_successful_output)[0]
    return {key: value.value for key, value in found.step_output_data.metadata.items()}


def test_runs_that_ended_long_ago_go_with_their_events(archive: Archive) -> None:
    old, abandoned = archive.ended(FASHION, 15), archive.ended(GONE, 400)
    young = archive.ended(FASHION, 13)
    kept = archive.events(young)
    result = archive.forget()
    assert archive.knows(old, abandoned, young) == [False, False, True]
    assert archive.events(old) == archive.events(abandoned) == 0
    assert archive.events(young) == kept > 0
    told = metadata(result)
    assert (told["deleted"], told["fashion"], told["gardens"]) == (2, 1, 1)


def test_an_unfinished_run_stays_however_old_it_is(archive: Archive) -> None:
    archive.ended(FASHION, 100)
    unfinished = archive.unfinished(100)
    archive.forget()
    assert archive.knows(unfinished) == [True]


def test_runs_that_are_not_of_orders_stay(archive: Archive) -> None:
    other = archive.ended(OTHER, 400)
    archive.ended(FASHION, 400)
    archive.forget()
    assert archive.knows(other) == [True]


def test_a_dry_run_counts_and_deletes_nothing(archive: Archive) -> None:
    old = [archive.ended(FASHION, 20), archive.ended(GONE, 20)]
    result = archive.forget(dry_run=True)
    assert archive.knows(*old) == [True, True]
    assert metadata(result) == {"to_delete": 2, "fashion": 1, "gardens": 1}


def test_a_pass_is_bounded_and_the_next_one_goes_on(archive: Archive) -> None:
    runs = [archive.ended(FASHION, 40 - number) for number in range(4)]
    archive.forget(most=3)
    assert archive.knows(*runs) == [False, False, False, True]
    archive.forget(most=3)
    assert archive.knows(runs[3]) == [False]


def test_the_launchpad_may_name_another_age(archive: Archive) -> None:
    young, old = archive.ended(FASHION, 1), archive.ended(FASHION, 3)
    archive.forget(older_than="2d")
    assert archive.knows(young, old) == [True, False]


def test_the_statistics_stay(archive: Archive, engine: sa.Engine) -> None:
    columns = (
        "path, hour, arrived, started, fallbacks, completed, partly_completed, failed,"
        " failed_by_kind, cancelled, pictures, failed_pictures, credits, render_seconds"
    )
    values = "'fashion', '2026-01-01T10:00Z', 1, 1, 0, 1, 0, 0, '{}', 0, 1, 0, 20, 1"
    with engine.begin() as tx:
        tx.execute(sa.text(f"INSERT INTO quel.path_hour ({columns}) VALUES ({values})"))
    archive.ended(FASHION, 400)
    archive.forget()
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM quel.path_hour")) == 1


def test_it_runs_every_hour_by_itself() -> None:
    schedule = forget_old_runs_schedule
    assert schedule.job_name == forget_old_runs.name
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert schedule.cron_schedule == "17 * * * *"
