"""Several pictures of a job in work at once: servers stay busy, and nothing else changes."""

import itertools
from uuid import UUID

import pytest
import sqlalchemy as sa

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.model.errors import StorageAway
from quel_dagster.model.job import Job, Picture, Ticket
from quel_dagster.services import tables
from quel_dagster.services.backend_book import backend_place
from quel_dagster_tests.house import House
from quel_dagster_tests.journey.moments import (
    Build,
    after_delivery,
    decisions,
    ends,
    eventually,
    is_queued,
    is_rendering,
    once,
    order,
    renders,
    serve_again,
    slots,
)


def spans(comfyui: ComfyUIProcess) -> list[tuple[float, float]]:
    """When each render on a server began and ended, in seconds."""
    log = comfyui.log()
    return [
        (float(str(each["started"])) / 1000, float(str(each["finished"])) / 1000) for each in log
    ]


def places(house: House) -> int:
    with house.environment.engine.connect() as connection:
        return connection.execute(
            sa.select(sa.func.count()).select_from(backend_place)
        ).scalar_one()


def states(house: House, job_id: UUID) -> list[str]:
    return [slot["state"] for slot in slots(house, job_id)]


def test_a_single_job_keeps_two_servers_busy_without_a_gap(
    build: Build, comfyui: ComfyUIProcess, second: ComfyUIProcess
) -> None:
    house = build("renders: 0", comfyui, second, side_by_side=4)
    for server in (comfyui, second):
        server.faults(render_seconds=1.5)
    before = len(comfyui.log())
    job_id = order(house, 8)
    house.serve()
    assert ends(house, job_id) == ("completed", 8, 0, 160)
    assert renders(comfyui, job_id) == renders(second, job_id) == ["success"] * 4
    for server, first in ((comfyui, before), (second, 0)):
        mine = spans(server)[first:]
        gaps = [begun - ended for (_, ended), (begun, _) in itertools.pairwise(mine)]
        assert max(gaps) < 0.5
    assert places(house) == 0


def test_pictures_arrive_in_any_order_and_lie_in_the_order_of_their_slots(
    build: Build, comfyui: ComfyUIProcess, second: ComfyUIProcess
) -> None:
    house = build("renders: 0", comfyui, second, side_by_side=2)
    comfyui.faults(render_seconds=3)
    delivered: list[int] = []
    store = house.environment.store
    deliver = store.deliver

    def note(job: Job, picture: Picture) -> None:
        deliver(job, picture)
        delivered.append(picture.slot)

    store.deliver = note
    job_id = order(house, 3)
    house.serve()
    assert delivered == [1, 2, 0]
    attached = [slot["attach_id"] for slot in slots(house, job_id)]
    assert house.row(job_id)["generated_attach_ids"] == attached


@pytest.mark.parametrize("way", ["command", "flag"])
def test_a_cancel_takes_every_picture_back_that_is_in_work(
    build: Build, comfyui: ComfyUIProcess, way: str
) -> None:
    house = build("renders: 0", side_by_side=3)
    comfyui.faults(render_seconds=60)
    job_id = order(house, 5)

    def cancel() -> None:
        eventually(is_queued(comfyui, job_id))
        if way == "command":
            house.environment.store.cancel(job_id)
        else:
            house.environment.queue.flag_cancel(job_id)

    with once(is_rendering(comfyui, job_id), cancel):
        [run] = house.serve()
    assert run.is_success
    assert ends(house, job_id) == ("user_cancelled", 0, 0, 0)
    assert renders(comfyui, job_id) == ["interrupted"]
    assert not is_queued(comfyui, job_id)()
    assert places(house) == 0


def test_when_another_attempt_has_the_job_nothing_more_is_written_and_nothing_taken_back(
    build: Build, comfyui: ComfyUIProcess
) -> None:
    house = build("renders: 0", side_by_side=2)
    comfyui.faults(render_seconds=6)
    job_id = order(house, 2)
    store = house.environment.store

    def take_over() -> None:
        eventually(is_queued(comfyui, job_id))
        [holder] = store.holders(1)
        store.hand_back(holder.ticket, "taken over")
        store.reserve("fashion", [(job_id, None)], 5)

    with once(is_rendering(comfyui, job_id), take_over):
        house.serve()
    assert (house.row(job_id)["job_status"], states(house, job_id)) == (
        "pending",
        ["submitted", "submitted"],
    )
    assert renders(comfyui, job_id) in (["success"], ["success", "success"])


def test_a_payer_who_runs_out_gets_what_is_paid_for_and_the_rest_is_called_back(
    build: Build, comfyui: ComfyUIProcess
) -> None:
    house = build("renders: 0", side_by_side=4)
    job_id = order(house, 6)
    with house.environment.engine.begin() as tx:
        owner = (
            sa.select(tables.job.c.quel_member_id)
            .where(tables.job.c.job_id == job_id)
            .scalar_subquery()
        )
        poor = sa.update(tables.member).where(tables.member.c.quel_member_id == owner)
        tx.execute(poor.values(quel_member_credit=50))
    house.serve()
    status, delivered, failed, charged = ends(house, job_id)
    assert (status, delivered, failed, charged) == ("completed", 2, 4, 40)
    assert len(renders(comfyui, job_id)) <= 5
    assert places(house) == 0


def test_one_budget_serves_all_pictures_however_many_fail_at_once(
    build: Build, comfyui: ComfyUIProcess, second: ComfyUIProcess
) -> None:
    house = build("renders: 3", comfyui, second, side_by_side=4)
    for server in (comfyui, second):
        server.faults(fail_renders=True)
    job_id = order(house, 4)
    house.serve()
    assert ends(house, job_id) == ("failed", 0, 4, 0)
    assert len(renders(comfyui, job_id)) + len(renders(second, job_id)) == 4 + 3
    assert sum(slot["generation"] for slot in slots(house, job_id)) == 3


def test_a_picture_that_fails_leaves_the_others_as_they_are(
    build: Build, comfyui: ComfyUIProcess
) -> None:
    house = build("renders: 0", side_by_side=4)
    job_id = order(house, 4)
    comfyui.faults(fail_renders={"only": f"{job_id}/001-"})
    house.serve()
    assert ends(house, job_id) == ("completed", 3, 1, 60)
    assert states(house, job_id) == ["delivered", "failed", "delivered", "delivered"]


def test_when_storage_goes_away_the_next_attempt_finds_what_was_being_made(
    build: Build, comfyui: ComfyUIProcess
) -> None:
    house = build("renders: 0", side_by_side=2)
    storage = house.environment.storage
    put = storage.put

    def refuse_once(key: str, data: bytes, content_type: str) -> None:
        if "/000-" in key and len(house.instance.get_runs()) == 1:
            raise StorageAway("S3 is away")
        put(key, data, content_type)

    storage.put = refuse_once
    job_id = order(house, 4)
    [run] = house.serve()
    assert run.is_failure
    assert states(house, job_id)[:2] == ["submitted", "delivered"]
    serve_again(house, job_id)
    assert ends(house, job_id) == ("completed", 4, 0, 80)
    assert renders(comfyui, job_id) == ["success"] * 4


def test_a_server_that_falls_silent_is_left_and_its_pictures_are_made_elsewhere(
    build: Build, comfyui: ComfyUIProcess, second: ComfyUIProcess
) -> None:
    """Both the one it began and the one that waits behind it, at one render of the budget each."""
    patience = "60s\n  silence: 2s"
    house = build("renders: 2, time: 1h", second, comfyui, deadline=patience, side_by_side=4)
    second.faults(hang=True)
    job_id = order(house, 4)
    [run] = house.serve()
    assert run.is_success
    assert ends(house, job_id) == ("completed", 4, 0, 80)
    assert renders(comfyui, job_id) == ["success"] * 4
    assert sum(slot["generation"] for slot in slots(house, job_id)) == 2
    told = decisions(house)
    assert any("has told nothing of a prompt that it began" in line for line in told)
    assert any(f"{second.url} is in quarantine since" in line for line in told)


def test_no_further_picture_is_begun_once_the_job_is_cancelled(
    build: Build, comfyui: ComfyUIProcess
) -> None:
    house = build("renders: 0", side_by_side=2)
    job_id = order(house, 8)
    after_delivery(house, 1, lambda: house.environment.store.cancel(job_id))
    house.serve()
    status, delivered, _, charged = ends(house, job_id)
    assert status == "user_cancelled"
    assert charged == 20 * delivered < 20 * 5
    assert states(house, job_id)[-1] == "planned"


def test_a_lost_ticket_is_told_whatever_else_went_wrong(
    build: Build, comfyui: ComfyUIProcess
) -> None:
    house = build("renders: 0", side_by_side=3)
    job_id = order(house, 3)
    comfyui.faults(fail_renders={"only": f"{job_id}/000-"})
    store = house.environment.store
    give_up = store.give_up

    def take_over(ticket: Ticket, number: int, error: str) -> None:
        store.hand_back(ticket, "taken over")
        give_up(ticket, number, error)

    store.give_up = take_over
    [run] = house.serve()
    assert run.is_success
    assert house.row(job_id)["job_status"] == "pending"
