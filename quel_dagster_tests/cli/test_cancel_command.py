"""`quel cancel`: one line for a person, one object for a script, and the exit status."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from quel_dagster.cli.main import quel
from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.demo.parts import reserved_port
from quel_dagster.environment import here
from quel_dagster.model.job import Payer, Production, prompt_id
from quel_dagster.model.status import JobStatus
from quel_dagster.services import tables
from quel_dagster.services.comfyui.found import Unknown
from quel_dagster.services.comfyui.server import ComfyServer
from quel_dagster.services.database import connect
from quel_dagster.services.migrations import record_cut_off
from quel_dagster.services.queue import JobQueue
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import job_row, make_member, place
from quel_dagster_tests.services.comfyui.graphs import painting
from quel_dagster_tests.services.store.jobs import (
    LEASE,
    PRICE,
    begin,
    change,
    deliver,
    expire,
    planned,
    reserve,
    specs,
)

ROOT = Path(__file__).parents[2]
COMMAND = "from quel_dagster.cli.main import main; main()"


@pytest.fixture
def engine(database: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.Engine]:
    """A database that the command finds in its environment, beside a Redis."""
    monkeypatch.setenv("QUEL_DATABASE_URL", database)
    monkeypatch.setenv("QUEL_REDIS_URL", redis_url)
    monkeypatch.delenv("COMFYUI_URLS", raising=False)
    here.cache_clear()
    engine = connect(database)
    record_cut_off(engine, LEASE)
    yield engine
    engine.dispose()
    here().close()
    here.cache_clear()


@pytest.fixture
def store(engine: sa.Engine) -> JobStore:
    return JobStore(engine, lease=LEASE, price=PRICE)


def waiting(engine: sa.Engine, pictures: int = 2) -> UUID:
    return place(engine, Payer(member_id=make_member(engine)), total_images=pictures)


def cancel(job_id: object, *options: str) -> Result:
    return CliRunner().invoke(quel, ["cancel", str(job_id), *options])


def test_a_waiting_job_is_cancelled_at_once(engine: sa.Engine) -> None:
    job_id = waiting(engine)
    answer = cancel(job_id)
    assert (answer.exit_code, answer.stdout) == (0, "cancelled: 0 of 2 pictures delivered\n")
    assert job_row(engine, job_id)["job_status"] == "user_cancelled"


def test_asking_again_is_no_error(engine: sa.Engine) -> None:
    job_id = waiting(engine)
    cancel(job_id)
    answer = cancel(job_id)
    expected = "already user_cancelled: 0 of 2 pictures delivered\n"
    assert (answer.exit_code, answer.stdout) == (0, expected)


def test_a_running_job_will_stop(engine: sa.Engine, store: JobStore) -> None:
    job = planned(store, engine, pictures=2)
    deliver(store, job, 0)
    answer = cancel(job.id)
    expected = "stopping: its run ends before the next picture, 1 of 2 pictures delivered by now\n"
    assert (answer.exit_code, answer.stdout) == (0, expected)
    assert store.is_cancel_asked(job.id)


def test_a_job_that_another_system_works_on_is_flagged(engine: sa.Engine, redis_url: str) -> None:
    job_id = waiting(engine)
    change(engine, tables.job, job_id, job_status=JobStatus.PROCESSING)
    answer = cancel(job_id)
    assert answer.exit_code == 0
    assert answer.stdout.startswith("flagged: another system works on it and is told to stop")
    queue = JobQueue(redis_url, names=("jobs:queue",))
    assert queue.is_cancelled(job_id)
    queue.close()


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED])
def test_a_job_that_has_ended_otherwise_is_an_error(engine: sa.Engine, status: JobStatus) -> None:
    job_id = waiting(engine)
    change(engine, tables.job, job_id, job_status=status)
    answer = cancel(job_id)
    expected = f"already {status}: 0 of 2 pictures delivered\n"
    assert (answer.exit_code, answer.stdout) == (1, expected)


def test_a_job_that_only_lacked_its_end_is_completed(engine: sa.Engine, store: JobStore) -> None:
    job = planned(store, engine)
    deliver(store, job, 0)
    expire(engine, job.id)
    answer = cancel(job.id)
    assert answer.exit_code == 1
    assert answer.stdout.startswith("completed: every picture had been delivered")


@pytest.mark.usefixtures("engine")
def test_an_unknown_job_is_an_error() -> None:
    stranger = uuid4()
    answer = cancel(stranger)
    assert (answer.exit_code, answer.stdout) == (1, f"unknown: there is no job {stranger}\n")


@pytest.mark.usefixtures("engine")
def test_an_id_that_is_none_is_refused() -> None:
    answer = cancel("last-one")
    assert answer.exit_code == 2
    assert "'last-one' is not a valid UUID" in answer.stderr


def test_a_script_reads_one_object(engine: sa.Engine, store: JobStore) -> None:
    job = planned(store, engine, pictures=3)
    deliver(store, job, 0, 2)
    assert json.loads(cancel(job.id, "--json").stdout) == {
        "job_id": str(job.id),
        "answer": "stopping",
        "job_status": "processing",
        "completed_images": 2,
        "total_images": 3,
    }
    unknown = cancel(uuid4(), "--json")
    assert unknown.exit_code == 1
    assert json.loads(unknown.stdout)["job_status"] is None


def test_redis_need_not_be_there(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with reserved_port() as port:
        monkeypatch.setenv("QUEL_REDIS_URL", f"redis://127.0.0.1:{port}")
        assert cancel(waiting(engine)).exit_code == 0
    monkeypatch.delenv("QUEL_REDIS_URL")
    here.cache_clear()
    assert cancel(waiting(engine)).exit_code == 0


def test_what_a_dead_attempt_left_on_comfyui_is_taken_back(
    engine: sa.Engine,
    store: JobStore,
    comfyui: ComfyUIProcess,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COMFYUI_URLS", comfyui.url)
    comfyui.faults(render_seconds=2)
    server = ComfyServer(comfyui.url)
    server.submit(uuid4(), painting(), "somebody else")
    job = planned(store, engine)
    ours = prompt_id(job.id, 0, 0)
    store.submit(job.ticket, specs(1)[0], 0, ours, comfyui.url)
    server.submit(ours, painting(), "a worker that died")
    expire(engine, job.id)
    assert cancel(job.id).exit_code == 0
    assert server.find(ours) == Unknown()
    assert server.load() == 1
    server.close()


@pytest.mark.parametrize("state", ["waiting", "reserved", "running"])
def test_two_processes_at_once_agree(engine: sa.Engine, store: JobStore, state: str) -> None:
    job_id = waiting(engine)
    if state == "reserved":
        reserve(store, job_id)
    held = begin(store, job_id) if state == "running" else None
    command = [sys.executable, "-c", COMMAND, "cancel", str(job_id), "--json"]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ, cwd=ROOT)
        for _ in range(2)
    ]
    answers = sorted(json.loads(process.communicate()[0])["answer"] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert answers == (["stopping"] * 2 if held else ["cancelled", "final"])
    if held:
        store.settle(held.ticket, Production())
    row = job_row(engine, job_id)
    assert (row["job_status"], row["error_message"]) == ("user_cancelled", None)
