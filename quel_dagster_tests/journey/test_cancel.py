"""Cancelling a job at every moment of its life, by the command and by the front end's flag."""

import time
from collections.abc import Callable, Iterator
from uuid import UUID

import dagster as dg
import pytest
import sqlalchemy as sa

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.model.errors import StorageAway
from quel_dagster.model.status import PhotoStatus
from quel_dagster.services.comfyui.server import ComfyServer
from quel_dagster.services.tables import job, photo
from quel_dagster_tests.house import House
from quel_dagster_tests.journey.moments import (
    Build,
    Stranger,
    after_delivery,
    charged,
    is_queued,
    is_rendering,
    once,
    order,
    renders,
    slots,
)

Cancel = Callable[[House, UUID], object]

WAYS: dict[str, Cancel] = {
    "command": lambda house, job_id: house.environment.store.cancel(job_id),
    "flag": lambda house, job_id: house.environment.queue.flag_cancel(job_id),
}


@pytest.fixture(params=WAYS)
def cancel(request: pytest.FixtureRequest) -> Cancel:
    """One of the ways to cancel a job."""
    return WAYS[request.param]


@pytest.fixture
def stranger(comfyui: ComfyUIProcess) -> Iterator[Stranger]:
    server = ComfyServer(comfyui.url)
    yield Stranger(server)
    server.close()


def assert_cancelled(house: House, job_id: UUID, *, delivered: int) -> None:
    row = house.row(job_id)
    assert (row["job_status"], row["error_message"]) == ("user_cancelled", None)
    assert (row["completed_images"], row["failed_images"]) == (delivered, 0)
    assert row["completed_at"] >= row["created_at"]
    assert len(row["generated_attach_ids"] or []) == delivered
    assert charged(house, job_id) == 20 * delivered
    with house.environment.engine.connect() as connection:
        this = photo.c.production_id == row["production_id"]
        assert connection.scalar(sa.select(photo.c.production_status).where(this)) is (
            PhotoStatus.USER_CANCELLED
        )
    assert not house.environment.queue.is_cancelled(job_id)
    assert house.tick().let_in() == []


def test_a_waiting_job_never_begins(house: House, cancel: Cancel, comfyui: ComfyUIProcess) -> None:
    job_id = order(house, 2)
    cancel(house, job_id)
    assert house.serve() == []
    assert_cancelled(house, job_id, delivered=0)
    assert renders(comfyui, job_id) == []


def test_a_reserved_job_never_begins_and_its_run_says_why(
    house: House, cancel: Cancel, comfyui: ComfyUIProcess
) -> None:
    job_id = order(house, 2)
    tick = house.tick()
    [request] = [house.categories[found.path].run_request(found) for found in tick.let_in()]
    cancel(house, job_id)
    house.tick().let_in()
    before = house.row(job_id)

    run = house.run(request)

    assert run.status is dg.DagsterRunStatus.SUCCESS
    told = [entry.user_message for entry in house.instance.all_logs(run.run_id)]
    assert any("the job is user_cancelled; this run ends here" in line for line in told)
    assert house.row(job_id) == before
    assert_cancelled(house, job_id, delivered=0)
    assert renders(comfyui, job_id) == []


def test_a_flag_that_no_tick_has_seen_ends_a_run_before_its_first_picture(
    house: House, comfyui: ComfyUIProcess
) -> None:
    job_id = order(house, 2)
    [reservation] = house.tick().let_in()
    house.environment.queue.flag_cancel(job_id)
    house.run(house.categories["fashion"].run_request(reservation))
    assert_cancelled(house, job_id, delivered=0)
    assert renders(comfyui, job_id) == []


def test_a_picture_in_work_is_interrupted_and_nobody_elses(
    house: House, cancel: Cancel, comfyui: ComfyUIProcess, stranger: Stranger
) -> None:
    cancelled_at: list[float] = []

    def act() -> None:
        stranger.submit()
        comfyui.faults(render_seconds=1)
        cancelled_at.append(time.monotonic())
        cancel(house, job_id)

    job_id = order(house, 2)
    comfyui.faults(render_seconds=60)
    with once(is_rendering(comfyui, job_id), act):
        [run] = house.serve()

    assert time.monotonic() - cancelled_at[0] < 10
    assert run.status is dg.DagsterRunStatus.SUCCESS
    assert_cancelled(house, job_id, delivered=0)
    assert stranger.gets_a_picture()
    assert renders(comfyui, job_id) == ["interrupted"]


def test_a_picture_that_waits_behind_somebody_elses_is_taken_back(
    house: House, cancel: Cancel, comfyui: ComfyUIProcess, stranger: Stranger
) -> None:
    comfyui.faults(render_seconds=12)
    stranger.submit()
    job_id = order(house)
    with once(is_queued(comfyui, job_id), lambda: cancel(house, job_id)):
        house.serve()
    assert_cancelled(house, job_id, delivered=0)
    assert stranger.gets_a_picture()
    assert renders(comfyui, job_id) == []


def test_between_two_pictures_the_next_one_is_not_begun(
    house: House, cancel: Cancel, comfyui: ComfyUIProcess
) -> None:
    job_id = order(house, 3)
    after_delivery(house, 0, lambda: cancel(house, job_id))
    house.serve()
    assert_cancelled(house, job_id, delivered=1)
    assert renders(comfyui, job_id) == ["success"]
    states = [slot["state"] for slot in slots(house, job_id)]
    assert states == ["delivered", "planned", "planned"]


def test_a_picture_that_was_made_too_late_is_neither_stored_nor_charged(
    house: House, comfyui: ComfyUIProcess
) -> None:
    job_id = order(house)
    server = house.environment.backends.by_url(comfyui.url)
    assert server is not None
    view = server.view

    def fetch_and_cancel(image: object) -> bytes:
        data = view(image)  # pyright: ignore[reportArgumentType] - handed through
        house.environment.queue.flag_cancel(job_id)
        return data

    server.view = fetch_and_cancel
    house.serve()
    assert_cancelled(house, job_id, delivered=0)
    assert renders(comfyui, job_id) == ["success"]


def test_a_flag_at_the_moment_an_attempt_fails_leaves_no_other_attempt(house: House) -> None:
    job_id = order(house, 2)
    storage = house.environment.storage
    put = storage.put

    def flag_and_fail(key: str, data: bytes, content_type: str) -> None:
        if "/001-" in key:
            house.environment.queue.flag_cancel(job_id)
            raise StorageAway("S3 is away")
        put(key, data, content_type)

    storage.put = flag_and_fail
    [run] = house.serve()
    assert run.is_failure
    assert house.row(job_id)["job_status"] == "user_cancelled"
    house.tick().let_in()
    assert_cancelled(house, job_id, delivered=1)


def test_a_cancel_after_the_last_picture_finds_the_job_completed(
    house: House, cancel: Cancel
) -> None:
    job_id = order(house, 2)
    after_delivery(house, 1, lambda: cancel(house, job_id))
    house.serve()
    row = house.row(job_id)
    assert (row["job_status"], row["completed_images"]) == ("completed", 2)
    assert charged(house, job_id) == 40
    assert not house.environment.queue.is_cancelled(job_id)


def test_a_job_cancelled_while_its_graph_is_made_sends_nothing(
    house: House, comfyui: ComfyUIProcess, cancel: Cancel, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = order(house)
    store = house.environment.store
    submit = store.submit

    def note_and_cancel(*given: object) -> None:
        submit(*given)  # pyright: ignore[reportArgumentType] - handed on as it came
        cancel(house, job_id)

    monkeypatch.setattr(store, "submit", note_and_cancel)
    house.serve()
    assert_cancelled(house, job_id, delivered=0)
    assert renders(comfyui, job_id) == []


def test_a_final_job_stays_as_it_is(house: House, cancel: Cancel) -> None:
    job_id = order(house)
    house.serve()
    before = house.row(job_id)
    cancel(house, job_id)
    assert house.serve() == []
    assert house.row(job_id) == before
    assert not house.environment.queue.is_cancelled(job_id)


def test_a_cancelled_job_can_be_ordered_again_and_keeps_what_it_had(
    build: Build, cancel: Cancel, comfyui: ComfyUIProcess
) -> None:
    house = build("renders: 0")
    job_id = order(house, 2)
    after_delivery(house, 0, lambda: comfyui.faults(render_seconds=20))
    with once(is_rendering(comfyui, job_id, 1), lambda: cancel(house, job_id)):
        house.serve()
    assert_cancelled(house, job_id, delivered=1)
    comfyui.faults()
    with house.environment.engine.begin() as tx:
        tx.execute(sa.update(job).where(job.c.job_id == job_id).values(job_status="pending"))
    house.environment.queue.ring(job_id)
    del house.environment.store.deliver
    house.serve()
    row = house.row(job_id)
    assert (row["job_status"], row["completed_images"]) == ("completed", 2)
    assert charged(house, job_id) == 40
    assert renders(comfyui, job_id) == ["success", "interrupted", "success"]
