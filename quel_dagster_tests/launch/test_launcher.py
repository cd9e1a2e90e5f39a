"""Runs on their way to a worker: where they are sent, and what happens when that fails."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
import redis

from quel_dagster.demo.redis import redis_part
from quel_dagster.demo.redis import redis_url as url_of_redis
from quel_dagster.demo.supervisor import Supervisor
from quel_dagster.environment import Environment
from quel_dagster.launch import sensor
from quel_dagster.launch.broker import Broker
from quel_dagster.launch.sensor import LATE, send_again_sensor
from quel_dagster_tests.launch.hall import Event, job_that, launch, launcher_of

ERRAND = job_that(lambda: None)
Status = dg.DagsterRunStatus
NOW = timedelta(0)


def waiting(url: str, queue: str) -> int:
    with redis.Redis.from_url(Environment({"QUEL_REDIS_URL": url}).broker_url) as client:
        return client.llen(queue)


def new_run(instance: dg.DagsterInstance, **tags: str) -> str:
    tagged = {name.replace("_", "/"): value for name, value in tags.items()}
    return instance.create_run_for_job(ERRAND, tags=tagged).run_id


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    with Supervisor(tmp_path / "broker") as supervisor:
        yield supervisor


def test_a_run_goes_to_the_queue_of_its_path_and_any_other_to_the_general_one(
    instance: dg.DagsterInstance, redis_url: str
) -> None:
    for run_id in (new_run(instance, quel_path="beauty"), new_run(instance)):
        launch(instance, run_id)
    sent = {queue: waiting(redis_url, queue) for queue in ("beauty", "general", "fashion")}
    assert sent == {"beauty": 1, "general": 1, "fashion": 0}


def test_emptying_the_doorbell_leaves_the_runs_that_wait_for_a_worker(
    instance: dg.DagsterInstance, redis_url: str
) -> None:
    launch(instance, new_run(instance, quel_path="beauty"))
    with redis.Redis.from_url(redis_url) as doorbell:
        doorbell.flushdb()
    assert waiting(redis_url, "beauty") == 1


def test_a_run_that_nobody_began_is_sent_again_and_no_other(
    instance: dg.DagsterInstance, redis_url: str
) -> None:
    late = new_run(instance, quel_path="beauty")
    launch(instance, late)
    ended = new_run(instance, quel_path="beauty")
    launch(instance, ended)
    assert launcher_of(instance).terminate(ended)
    assert launcher_of(instance).send_again(timedelta(minutes=1)) == 0
    assert launcher_of(instance).send_again(NOW) == 1
    assert waiting(redis_url, "beauty") == 3


def test_a_broker_that_is_away_fails_no_run(
    instance: dg.DagsterInstance, supervisor: Supervisor
) -> None:
    port = supervisor.port()
    launcher_of(instance).broker = Broker(url_of_redis(port))
    run_id = new_run(instance, quel_path="beauty")
    launch(instance, run_id)
    assert status(instance, run_id) is Status.STARTING
    [event] = instance.all_logs(run_id, of_type=Event.ENGINE_EVENT)
    assert f"127.0.0.1:{port}" in event.message
    assert event.message.endswith("The run is sent again later.")

    supervisor.start(redis_part(port))
    assert launcher_of(instance).send_again(NOW) == 1
    with redis.Redis.from_url(url_of_redis(port)) as client:
        assert client.llen("beauty") == 1
    launcher_of(instance).dispose()


def test_the_sensor_sends_again_what_is_a_minute_old(instance: dg.DagsterInstance) -> None:
    launch(instance, new_run(instance))
    said: list[str | None] = []
    for age in (LATE, NOW):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sensor, "LATE", age)
            with dg.build_sensor_context(instance=instance) as context:
                said.append(send_again_sensor.evaluate_tick(context).skip_message)
    assert said == ["no run is late", "runs sent again: 1"]


def test_a_run_that_no_worker_executes_is_terminated_at_once(
    instance: dg.DagsterInstance,
) -> None:
    run_id = new_run(instance)
    launch(instance, run_id)
    assert launcher_of(instance).terminate(run_id)
    assert status(instance, run_id) is Status.CANCELED
    assert not launcher_of(instance).terminate(run_id)


def test_a_run_that_is_being_executed_is_asked_to_stop(instance: dg.DagsterInstance) -> None:
    run_id = new_run(instance)
    launch(instance, run_id)
    with launcher_of(instance).claims.hold(run_id):
        assert launcher_of(instance).terminate(run_id)
    assert status(instance, run_id) is Status.CANCELING


def test_with_another_launcher_there_is_nothing_to_send_again() -> None:
    with (
        dg.DagsterInstance.ephemeral() as instance,
        dg.build_sensor_context(instance=instance) as context,
    ):
        tick = send_again_sensor.evaluate_tick(context)
    assert tick.skip_message == "the run launcher is another"
