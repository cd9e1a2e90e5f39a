"""Today's front end: `/enqueue` and cancel, with the documented bodies and answers."""

from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.model.job import Payer, Production, prompt_id
from quel_dagster.services import tables
from quel_dagster.services.comfyui.found import Unknown
from quel_dagster.services.comfyui.server import ComfyServer
from quel_dagster.services.migrations import record_cut_off
from quel_dagster_tests.api.serving import Api, serving, until
from quel_dagster_tests.builders import make_member, place
from quel_dagster_tests.services.comfyui.graphs import painting
from quel_dagster_tests.services.store.jobs import (
    begin,
    change,
    deliver,
    expire,
    planned,
    specs,
)

ENQUEUE = ["/enqueue", "/api/enqueue"]
Json = dict[str, Any]
RUNG = {"success", "message", "error", "job_id", "queue", "queuePosition"}


def waiting(engine: sa.Engine, path: str | None = "fashion", pictures: int = 2) -> UUID:
    payer = Payer(member_id=make_member(engine))
    return place(engine, payer, path=path, total_images=pictures)


def cancel(api: Api, job_id: object) -> tuple[int, Json]:
    answer = api.post(f"/api/jobs/{job_id}/cancel")
    return answer.status_code, answer.json()


@pytest.mark.parametrize("path", ENQUEUE)
def test_a_waiting_job_is_rung_for_and_told_its_place(api: Api, path: str) -> None:
    jobs = [waiting(api.engine) for _ in range(2)]
    answers = [api.post(path, {"job_id": str(job_id)}) for job_id in jobs]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[1].json() == {
        "success": True,
        "message": "Job enqueued",
        "error": "",
        "job_id": str(jobs[1]),
        "queue": "quel_jobs_queue",
        "queuePosition": 2,
    }
    assert api.rings() == list(map(str, jobs))


def test_what_the_front_end_sends_besides_and_how_it_spells_an_id_does_not_matter(api: Api) -> None:
    job_id = waiting(api.engine)
    body = {"job_id": f' "{str(job_id).upper()}" ', "source": "web"}
    assert api.post("/enqueue", body).json()["success"]
    assert api.rings() == [str(job_id)]


def test_w06_nothing_is_rung_for_that_does_not_wait(api: Api) -> None:
    store = api.environment.store
    running, done = (begin(store, waiting(api.engine), f"run-{n}") for n in range(2))
    store.settle(done.ticket, Production())
    elsewhere = waiting(api.engine, "multiview")
    asked = [running.id, done.id, elsewhere, uuid4(), "no id"]
    answers = [api.post("/enqueue", {"job_id": str(each)}) for each in asked]
    assert {answer.status_code for answer in answers} == {200}
    told = [answer.json() for answer in answers]
    assert all(each.keys() == RUNG for each in told)
    assert [(each["success"], each["message"], each["error"]) for each in told] == [
        (True, "Job is being worked on already", ""),
        (False, "Job was not enqueued", "Job already failed"),
        (False, "Job was not enqueued", "Path multiview is served elsewhere"),
        (False, "Job was not enqueued", "Job not found"),
        (False, "Job was not enqueued", "Job not found"),
    ]
    assert api.rings() == []


@pytest.mark.parametrize("body", [{}, {"job_id": None}, {"job_id": 7}, [], "text", None])
def test_a_ring_without_a_job_is_refused(api: Api, body: object) -> None:
    answer = api.post("/enqueue", body)
    assert answer.status_code == (422 if body is not None else 400)
    assert answer.json()["error"]["message"]


def test_w61_a_waiting_job_is_cancelled_in_its_row(api: Api) -> None:
    job_id = waiting(api.engine)
    assert cancel(api, job_id) == (
        200,
        {
            "success": True,
            "message": "Job cancelled",
            "job_id": str(job_id),
            "current_status": "user_cancelled",
            "completed_images": 0,
            "total_images": 2,
        },
    )
    row = api.row(job_id)
    assert (row["job_status"], row["completed_at"] is not None) == ("user_cancelled", True)
    assert not api.environment.queue.is_cancelled(job_id)


def test_a_running_job_is_told_to_stop(api: Api) -> None:
    store = api.environment.store
    job = planned(store, api.engine, pictures=2)
    deliver(store, job, 0)
    status, told = cancel(api, job.id)
    assert (status, told["success"], told["current_status"]) == (200, True, "processing")
    assert (told["completed_images"], told["total_images"]) == (1, 2)
    assert store.is_cancel_asked(job.id)


def test_w61_a_job_that_has_ended_answers_how(api: Api) -> None:
    store = api.environment.store
    job = planned(store, api.engine)
    deliver(store, job, 0)
    store.settle(job.ticket, Production())
    failed = begin(store, waiting(api.engine), "run-2")
    store.settle(failed.ticket, Production())
    assert cancel(api, job.id) == (
        200,
        {
            "success": False,
            "message": "Job already completed",
            "job_status": "completed",
            "completed_images": 1,
        },
    )
    assert cancel(api, failed.id)[1]["message"] == "Job already failed"
    cancelled = waiting(api.engine)
    cancel(api, cancelled)
    assert cancel(api, cancelled)[1]["message"] == "Job already user_cancelled"


def test_a_job_that_another_system_works_on_gets_the_flag(api: Api) -> None:
    job_id = waiting(api.engine, "multiview")
    change(api.engine, tables.job, job_id, job_status="processing")
    assert cancel(api, job_id)[1]["success"]
    assert api.environment.queue.is_cancelled(job_id)


def test_w61_an_unknown_job_is_404_and_leaves_no_flag(api: Api) -> None:
    job_id = uuid4()
    status, told = cancel(api, job_id)
    assert (status, told["success"], told["error"]["field"]) == (404, False, "job_id")
    assert not api.environment.queue.is_cancelled(job_id)
    assert cancel(api, "no-id")[0] == 404


def test_what_a_dead_attempt_left_on_comfyui_is_taken_back(
    variables: dict[str, str], comfyui: ComfyUIProcess
) -> None:
    comfyui.faults(render_seconds=5)
    server = ComfyServer(comfyui.url)
    with serving({**variables, "COMFYUI_URLS": comfyui.url}) as api:
        engine, store = api.engine, api.environment.store
        record_cut_off(engine, api.environment.settings.worker.pending.max_age)
        job = planned(store, engine)
        ours = prompt_id(job.id, 0, 0)
        server.submit(uuid4(), painting(), "somebody else")
        store.submit(job.ticket, specs(1)[0], 0, ours, comfyui.url)
        server.submit(ours, painting(), "a worker that died")
        expire(engine, job.id)
        assert cancel(api, job.id)[1]["success"]
        until(lambda: server.find(ours) == Unknown())
        assert server.load() == 1
    server.close()
