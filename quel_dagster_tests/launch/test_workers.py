"""Real workers as separate Celery nodes: they share the load, and nothing depends on them."""

import signal
import time
from datetime import timedelta

import dagster as dg
import psutil
import pytest
import redis
import sqlalchemy as sa

from quel_dagster.services.tables import ledger
from quel_dagster_tests.launch.hall import Hall
from quel_dagster_tests.outcomes.workshop import wait_until

Status = dg.DagsterRunStatus
FINAL = {"completed", "failed", "user_cancelled"}


def children(hall: Hall, worker: str) -> set[int]:
    return {child.pid for child in psutil.Process(hall.supervisor.process_ids[worker]).children()}


def charges(hall: Hall) -> int:
    with hall.house.environment.engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(ledger)).scalar_one()


@pytest.mark.parametrize("hall", ["4s"], indirect=True)
def test_two_nodes_share_the_load_and_the_death_of_one_loses_nothing(hall: Hall) -> None:
    hall.hire("first --concurrency 2", "second --concurrency 2")
    crews = [children(hall, name) for name in ("first", "second")]
    job_ids = [hall.order(pictures=2) for _ in range(4)]
    run_ids = hall.let_in()
    wait_until(lambda: set(hall.statuses(*job_ids)) == {"processing"}, "all four are under way")
    wait_until(lambda: all(map(hall.process_of, run_ids)), "each is in a process")
    busy = [hall.process_of(run_id) for run_id in run_ids]
    assert [len(crew.intersection(pid for pid in busy if pid)) for crew in crews] == [2, 2]

    hall.supervisor.kill("first")
    begun = time.monotonic()

    def all_are_final() -> bool:
        hall.sweep()
        hall.let_in()
        return set(hall.statuses(*job_ids)) <= FINAL

    wait_until(all_are_final, "the other node finishes all")
    assert time.monotonic() - begun < 40
    assert hall.statuses(*job_ids) == ["completed"] * 4
    assert charges(hall) == 8


def test_a_paths_own_worker_serves_only_that_path(hall: Hall) -> None:
    hall.hire("beautician --paths beauty --concurrency 1")
    fashion = hall.order("fashion")
    [waiting] = hall.let_in()
    for _ in range(2):  # one that took from any queue would have come to the other path by now
        beauty = hall.order("beauty")
        hall.let_in()
        wait_until(lambda one=beauty: hall.statuses(one) == ["completed"], "it is served")
    assert hall.statuses(fashion) == ["pending"]
    with redis.Redis.from_url(hall.house.environment.broker_url) as broker:
        assert broker.llen("fashion") == 1
    hall.hire("all --concurrency 1")
    wait_until(lambda: hall.statuses(fashion) == ["completed"], "another worker serves the other")
    assert hall.process_of(waiting) in children(hall, "all")


def test_lost_and_doubled_tasks_lose_and_double_nothing(hall: Hall) -> None:
    for _ in range(4):
        hall.order()
    run_ids = hall.let_in()
    job_ids = [hall.job_of(run_id) for run_id in run_ids]
    with redis.Redis.from_url(hall.house.environment.broker_url) as broker:
        assert broker.llen("fashion") == len(run_ids)
        broker.flushdb()
    for _ in range(3):
        hall.launcher.broker.send(run_ids[0], "fashion")
    hall.launcher.broker.send(run_ids[0], "beauty")
    hall.hire("first --concurrency 2", "second --concurrency 2")
    wait_until(lambda: hall.statuses(job_ids[0]) == ["completed"], "the doubled one is done")
    assert hall.statuses(*job_ids[1:]) == ["pending"] * 3

    assert hall.launcher.send_again(timedelta(0)) == 3
    wait_until(lambda: set(hall.statuses(*job_ids)) == {"completed"}, "the lost ones are done")
    assert charges(hall) == 4
    wait_until(
        lambda: {run.status for run in hall.instance.get_runs()} == {Status.SUCCESS}, "runs end"
    )
    started = [
        len(hall.instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_START))
        for run_id in run_ids
    ]
    assert started == [1] * 4


def test_a_worker_that_is_told_to_stop_hands_back_what_takes_longer_than_its_grace(
    hall: Hall,
) -> None:
    hall.hire("first --concurrency 1 --grace 0.5")
    job_id = hall.order(pictures=40)
    [run_id] = hall.let_in()
    wait_until(lambda: hall.house.row(job_id)["completed_images"], "the first picture")
    worker = psutil.Process(hall.supervisor.process_ids["first"])
    worker.send_signal(signal.SIGTERM)
    worker.wait(30)
    row = hall.house.row(job_id)
    assert row["job_status"] == "pending"
    assert row["error_message"] == "attempt 1 was interrupted: its process was told to stop"
    run = hall.instance.get_run_by_id(run_id)
    assert run is not None
    assert run.status is Status.FAILURE


def test_a_worker_that_is_told_to_stop_finishes_what_is_nearly_done_and_takes_no_more(
    hall: Hall,
) -> None:
    hall.hire("first --concurrency 1 --grace 30")
    first, second = hall.order(pictures=2), hall.order(pictures=2)
    hall.let_in()
    wait_until(lambda: "processing" in hall.statuses(first, second), "one is under way")
    worker = psutil.Process(hall.supervisor.process_ids["first"])
    worker.send_signal(signal.SIGTERM)
    worker.wait(30)
    assert sorted(hall.statuses(first, second)) == ["completed", "pending"]


@pytest.mark.parametrize("limit", ["--max-runs 1", "--max-memory 1"])
def test_a_process_is_replaced_after_so_many_runs_or_so_much_memory(hall: Hall, limit: str) -> None:
    hall.hire(f"first --concurrency 1 {limit}")
    pids: set[int | None] = set()
    for _ in range(2):
        job_id = hall.order()
        [run_id] = hall.let_in()
        wait_until(lambda one=job_id: hall.statuses(one) == ["completed"], "it is done")
        pids.add(hall.process_of(run_id))
    assert len(pids) == 2


def test_idle_processes_share_what_their_node_has_loaded(hall: Hall) -> None:
    hall.hire("first --concurrency 4")
    node = psutil.Process(hall.supervisor.process_ids["first"])
    own = [psutil.Process(pid).memory_full_info().uss for pid in children(hall, "first")]
    assert len(own) == 4
    assert max(own) < node.memory_info().rss / 4


def test_a_worker_hears_again_of_runs_after_its_broker_was_away(hall: Hall) -> None:
    hall.hire("first --concurrency 1")
    with redis.Redis.from_url(hall.house.environment.broker_url) as broker:
        for client in broker.client_list():
            if client["addr"] and client["cmd"] != "client|list":
                broker.client_kill_filter(addr=str(client["addr"]))  # also one that is gone
    job_id = hall.order()
    hall.let_in()
    wait_until(lambda: hall.statuses(job_id) == ["completed"], "it is done")
