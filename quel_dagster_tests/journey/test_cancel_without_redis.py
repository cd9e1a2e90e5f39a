"""Cancelling while Redis is away: nothing is missed in silence, and pictures are made meanwhile."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.model.cancellation import Answer
from quel_dagster.model.job import Ticket
from quel_dagster.pipeline import cancelling, rendering
from quel_dagster.services import queue as queue_module
from quel_dagster_tests.frail import FrailRedis, frail_redis
from quel_dagster_tests.house import House
from quel_dagster_tests.journey.moments import (
    after_delivery,
    charged,
    is_rendering,
    logged,
    once,
    order,
    renders,
)

NOT_KNOWN = "whether the job was cancelled is not known, and asked again: Redis did not serve"


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[FrailRedis]:
    with frail_redis(tmp_path) as server:
        yield server


@pytest.fixture
def house(
    build_house: Callable[[Mapping[str, str]], House],
    variables: dict[str, str],
    redis: FrailRedis,
    monkeypatch: pytest.MonkeyPatch,
) -> House:
    """A house that is quick to give Redis up and to ask it again."""
    monkeypatch.setattr(queue_module, "QUICK_TIMEOUT", 0.2)
    monkeypatch.setattr(cancelling, "LEFT_ALONE", 0.5)
    monkeypatch.setattr(rendering, "PAUSE", 0.01)
    config = Path(variables["QUEL_CONFIG"])
    config.write_text(config.read_text().replace("{max: 2,", "{max: 2, renders: 0,"))
    return build_house(variables | {"QUEL_REDIS_URL": redis.url})


def unsure(house: House) -> list[str]:
    """What the log says of cancels that nobody can read."""
    return [line for line in logged(house) if "cancel" in line]


def test_pictures_are_made_and_the_log_tells_what_is_not_known(
    house: House, redis: FrailRedis
) -> None:
    job_id = order(house, 3)
    after_delivery(house, 0, redis.stop)
    house.serve()
    row = house.row(job_id)
    assert (row["job_status"], row["completed_images"]) == ("completed", 3)
    told = unsure(house)
    assert told[0].startswith(NOT_KNOWN)
    assert told[-1].startswith("a flag that cancels the job may stay until the front door finds it")
    assert len(told) == 3


def test_the_command_stops_a_running_job(
    house: House, redis: FrailRedis, comfyui: ComfyUIProcess
) -> None:
    job_id = order(house, 2)
    comfyui.faults(render_seconds=30)

    def cancel() -> None:
        redis.stop()
        assert house.environment.store.cancel(job_id).answer is Answer.STOPPING

    with once(is_rendering(comfyui, job_id), cancel):
        house.serve()
    assert house.row(job_id)["job_status"] == "user_cancelled"
    assert charged(house, job_id) == 0
    assert renders(comfyui, job_id) == ["interrupted"]


def test_the_command_ends_a_waiting_job(house: House, redis: FrailRedis) -> None:
    job_id = order(house)
    redis.stop()
    assert house.environment.store.cancel(job_id).answer is Answer.CANCELLED
    assert house.serve() == []
    assert house.row(job_id)["job_status"] == "user_cancelled"


def test_a_flag_that_could_not_be_read_is_heeded_once_it_can_be(
    house: House, redis: FrailRedis, comfyui: ComfyUIProcess
) -> None:
    job_id = order(house, 2)

    def flag_and_freeze() -> None:
        house.environment.queue.flag_cancel(job_id)
        redis.freeze()
        comfyui.faults(render_seconds=30)

    after_delivery(house, 0, flag_and_freeze)
    with once(is_rendering(comfyui, job_id, 1), redis.thaw):
        house.serve()
    row = house.row(job_id)
    assert (row["job_status"], row["completed_images"]) == ("user_cancelled", 1)
    assert renders(comfyui, job_id) == ["success", "interrupted"]
    assert not house.environment.queue.is_cancelled(job_id)
    told = unsure(house)
    assert told[0].startswith(NOT_KNOWN)
    assert told[1] == "whether the job was cancelled can be read again"


def test_a_flag_that_is_readable_only_at_the_end_still_counts(
    house: House, redis: FrailRedis, comfyui: ComfyUIProcess
) -> None:
    """The last picture fails while Redis is frozen, so that only settling can hear of the flag."""
    job_id = order(house, 2)
    comfyui.faults(fail_renders={"only": f"{job_id}/001-"})
    store = house.environment.store
    give_up = store.give_up

    def flag_and_freeze() -> None:
        house.environment.queue.flag_cancel(job_id)
        redis.freeze()

    def give_up_and_thaw(ticket: Ticket, number: int, error: str) -> None:
        give_up(ticket, number, error)
        redis.thaw()

    after_delivery(house, 0, flag_and_freeze)
    store.give_up = give_up_and_thaw
    house.serve()
    row = house.row(job_id)
    assert (row["job_status"], row["completed_images"]) == ("user_cancelled", 1)


def test_a_job_that_ends_in_part_says_that_a_cancel_may_have_been_missed(
    house: House, redis: FrailRedis, comfyui: ComfyUIProcess
) -> None:
    job_id = order(house, 2)
    comfyui.faults(fail_renders={"only": f"{job_id}/001-"})
    after_delivery(house, 0, redis.stop)
    house.serve()
    row = house.row(job_id)
    assert (row["job_status"], row["completed_images"], row["failed_images"]) == ("completed", 1, 1)
    expected = "the job ends completed with 1 pictures missing, and whether it was cancelled before"
    assert any(line.startswith(expected) for line in unsure(house))
