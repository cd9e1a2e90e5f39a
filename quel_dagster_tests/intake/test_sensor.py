"""The sensor as Dagster's daemon sees it: what it asks to be run."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from quel_dagster.intake.sensor import build_job_queue
from quel_dagster.model.settings import Settings
from quel_dagster.model.spec import Scene
from quel_dagster.pipeline.category import one_picture_per_order
from quel_dagster_tests.builders import job_row
from quel_dagster_tests.intake.door import HASTY, SERVED, Door

CATEGORIES = [
    one_picture_per_order(
        path, about=path, compose=lambda order: Scene(description=order.prompt), folder=Path()
    )
    for path in SERVED
]
SENSOR = build_job_queue(CATEGORIES)


@pytest.fixture
def context(door: Door) -> Iterator[dg.SensorEvaluationContext]:
    settings = Settings.model_validate({"worker": HASTY, "credits": {"price_per_image": 20}})
    resources = {"queue": door.queue, "store": door.store, "settings": settings}
    with (
        dg.DagsterInstance.ephemeral() as instance,
        dg.build_sensor_context(instance=instance, resources=resources) as context,
    ):
        yield context


def requests(context: dg.SensorEvaluationContext) -> list[dg.RunRequest]:
    return list(SENSOR.evaluate_tick(context).run_requests or [])


def test_a_rung_job_becomes_a_run_of_its_path_with_its_ticket(
    door: Door, context: dg.SensorEvaluationContext
) -> None:
    job_id = door.order("eats")
    (request,) = requests(context)
    row = job_row(door.engine, job_id)
    assert request.job_name == "eats"
    assert {key: value for key, value in request.tags.items() if key.startswith("quel/")} == {
        "quel/path": "eats",
        "quel/job_id": str(job_id),
        "quel/production_id": str(row["production_id"]),
        "quel/member_id": str(door.customer.member_id),
        "quel/job_type": "single_batch",
        "quel/attempt": "1",
    }
    config = request.run_config["ops"]["open_job"]["config"]
    assert config["job_id"] == str(job_id)
    assert config["attempt"] == 1
    assert request.run_key == f"{job_id}#1/{config['claim_id']}"


def test_the_run_config_is_one_that_the_job_takes(
    door: Door, context: dg.SensorEvaluationContext
) -> None:
    door.order("beauty")
    (request,) = requests(context)
    job = next(category.job for category in CATEGORIES if category.path == request.job_name)
    assert dg.validate_run_config(job, request.run_config)


def test_a_job_of_the_fallback_is_tagged_with_what_it_asked_for(
    door: Door, context: dg.SensorEvaluationContext
) -> None:
    door.order("shoes")
    (request,) = requests(context)
    assert request.job_name == "fashion"
    assert request.tags["quel/path"] == "fashion"
    assert request.tags["quel/requested_path"] == "shoes"


def test_every_job_that_is_let_in_becomes_one_run(
    door: Door, context: dg.SensorEvaluationContext
) -> None:
    jobs = {str(door.order(path)): path for path in ("fashion", "eats", "fashion", "beauty")}
    jobs[str(door.unrung("eats", age=timedelta(minutes=5)))] = "eats"
    found = requests(context)
    assert {request.tags["quel/job_id"]: request.job_name for request in found} == jobs
    assert len({request.run_key for request in found}) == len(found) == 5


def test_a_tick_that_lets_nobody_in_is_skipped_and_says_so(
    context: dg.SensorEvaluationContext,
) -> None:
    tick = SENSOR.evaluate_tick(context)
    assert not tick.run_requests
    assert tick.skip_message == "no job to let in"


def test_the_next_tick_asks_for_no_run_again(
    door: Door, context: dg.SensorEvaluationContext
) -> None:
    job_id = door.order()
    assert len(requests(context)) == 1
    door.queue.ring(job_id)
    assert requests(context) == []


def test_the_sensor_runs_by_itself_and_may_start_every_category() -> None:
    assert SENSOR.name == "job_queue"
    assert SENSOR.default_status is dg.DefaultSensorStatus.RUNNING
    assert {job.name for job in SENSOR.jobs} == set(SERVED)
