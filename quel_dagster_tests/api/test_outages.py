"""PostgreSQL or Redis away: what is refused, what goes on, and what is said."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa

from quel_dagster.api import bell, desk
from quel_dagster.demo.parts import reserved_port
from quel_dagster.model.job import Payer
from quel_dagster.services import queue as queue_module
from quel_dagster.services import tables
from quel_dagster_tests.api.serving import Api, order, serving, until
from quel_dagster_tests.builders import make_member, place
from quel_dagster_tests.frail import frail_redis
from quel_dagster_tests.services.store.jobs import change

JOB = "0b9f5d7c-8f0e-4a55-9a43-1d1c1f1f3c20"


@pytest.fixture
def without_postgres(variables: dict[str, str]) -> Iterator[Api]:
    with reserved_port() as port:
        url = f"postgresql://quel:secret@127.0.0.1:{port}/quel"
        with serving({**variables, "QUEL_DATABASE_URL": url}) as api:
            yield api


@pytest.fixture
def without_redis(variables: dict[str, str]) -> Iterator[Api]:
    with ExitStack() as exits:
        port = exits.enter_context(reserved_port())
        url = f"redis://:secret@127.0.0.1:{port}/0"
        yield exits.enter_context(serving({**variables, "QUEL_REDIS_URL": url}))


def test_without_postgresql_nothing_is_promised(without_postgres: Api) -> None:
    api = without_postgres
    answers = [
        api.post("/api/jobs", order(JOB)),
        api.get(f"/api/jobs/{JOB}"),
        api.post(f"/api/jobs/{JOB}/cancel"),
        api.post("/enqueue", {"job_id": JOB}),
    ]
    for answer in answers:
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["error"]["message"].startswith("a service behind this one is away")
        assert "secret" not in answer.text


def test_a_wrong_order_is_told_so_without_postgresql(without_postgres: Api) -> None:
    answer = without_postgres.post("/api/jobs", order(JOB, job_input_data={"combinations": 7}))
    assert (answer.status_code, answer.json()["error"]["field"]) == (
        422,
        "job_input_data.combinations",
    )


def test_watchers_hear_that_postgresql_is_away(without_postgres: Api) -> None:
    ready = without_postgres.get("/ready")
    assert (ready.status_code, int(ready.headers["retry-after"]) > 0) == (503, True)
    assert ready.json() == {"status": "away", "postgres": "away", "redis": "ok"}
    assert without_postgres.get("/health").json() == {"status": "ok"}
    figures = without_postgres.get("/metrics")
    assert figures.status_code == 200
    assert "quel_postgres_up 0.0" in figures.text
    assert "quel_redis_up 1.0" in figures.text


def test_without_redis_an_order_is_taken_and_found_by_its_age(without_redis: Api) -> None:
    answer = without_redis.order()
    assert (answer.status_code, answer.json()["rung"]) == (201, False)
    assert without_redis.row(answer.json()["job_id"])["job_status"] == "pending"
    repeated = without_redis.get("/ready")
    assert (repeated.status_code, repeated.json()["redis"]) == (200, "away")
    assert "quel_redis_up 0.0" in without_redis.get("/metrics").text


def test_without_redis_a_waiting_job_is_found_and_cancelled_all_the_same(
    without_redis: Api,
) -> None:
    engine = without_redis.engine
    job_id = place(engine, Payer(member_id=make_member(engine)))
    rung = without_redis.post("/enqueue", {"job_id": str(job_id)})
    assert rung.status_code == 200
    assert (rung.json()["success"], rung.json()["queuePosition"]) == (True, 0)
    assert rung.json()["message"] == "Job waits and is found by its age"
    assert without_redis.post(f"/api/jobs/{job_id}/cancel").json()["success"]


def test_w62_without_redis_nobody_is_told_that_another_system_stops(without_redis: Api) -> None:
    engine = without_redis.engine
    job_id = place(engine, Payer(member_id=make_member(engine)), path="multiview")
    change(engine, tables.job, job_id, job_status="processing")
    answer = without_redis.post(f"/api/jobs/{job_id}/cancel")
    assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (503, True)
    assert "secret" not in answer.text


def test_what_nobody_foresaw_is_told_without_a_trace(api: Api) -> None:
    with api.engine.begin() as tx:
        tx.execute(sa.text("ALTER TABLE quel_production_jobs RENAME TO elsewhere"))
    answer = api.get(f"/api/jobs/{JOB}")
    assert answer.status_code == 500
    assert answer.json() == {
        "error": {
            "field": None,
            "message": "something went wrong here; the log of the API tells what",
        }
    }


def test_whoever_would_wait_too_long_is_told_to_come_back(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "WAITING_PER_THREAD", 0)
    answer = api.get(f"/api/jobs/{JOB}")
    assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (503, True)
    assert api.get("/health").status_code == 200


def test_a_redis_that_hangs_keeps_no_customer_waiting_for_long(
    variables: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_module, "QUICK_TIMEOUT", 0.2)
    monkeypatch.setattr(bell, "QUIET", 2.0)
    with ExitStack() as exits:
        redis = exits.enter_context(frail_redis(tmp_path))
        api = exits.enter_context(serving({**variables, "QUEL_REDIS_URL": redis.url}))
        redis.freeze()
        hung, quiet = api.order(), api.order()
        redis.thaw()
        until(lambda: api.order().json()["rung"])
    for answer, seconds in ((hung, 5.0), (quiet, 1.0)):
        assert (answer.status_code, answer.json()["rung"]) == (201, False)
        assert answer.elapsed.total_seconds() < seconds
