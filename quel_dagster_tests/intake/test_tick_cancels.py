"""Cancel flags at the front door: honoured and taken away, or left to whom they are meant for."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import redis
import sqlalchemy as sa

from quel_dagster.intake import tick as tick_module
from quel_dagster.model.job import Production
from quel_dagster.model.status import JobStatus
from quel_dagster.services.database import connect
from quel_dagster.services.queue import JobQueue
from quel_dagster.services.store import JobStore
from quel_dagster.services.tables import job
from quel_dagster_tests.builders import job_row
from quel_dagster_tests.intake.door import LEASE, Door, warnings

OLD = timedelta(minutes=5)
FULL = {"fashion": {"max_workers": 1}}


def status(door: Door, job_id: UUID) -> JobStatus:
    return job_row(door.engine, job_id)["job_status"]


def set_status(door: Door, job_id: UUID, status: JobStatus) -> None:
    with door.engine.begin() as tx:
        tx.execute(sa.update(job).where(job.c.job_id == job_id).values(job_status=status))


def test_a_flagged_job_that_was_just_rung_for_is_cancelled_and_not_let_in(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    job_id, other = door.order(), door.order()
    door.queue.flag_cancel(job_id)
    assert door.let_in() == [other]
    row = job_row(door.engine, job_id)
    assert row["job_status"] == "user_cancelled"
    assert row["completed_at"] is not None
    assert not door.queue.is_cancelled(job_id)
    assert f"job {job_id} was cancelled while it waited: user_cancelled" in caplog.messages


def test_a_flagged_job_far_behind_on_a_full_path_is_cancelled_within_a_tick(door: Door) -> None:
    for _ in range(tick_module.ROWS_PER_PATH + 5):
        door.unrung(age=OLD)
    last = door.unrung()
    assert len(door.tick(modules=FULL)) == 1
    door.queue.flag_cancel(last)
    assert door.tick(modules=FULL) == []
    assert status(door, last) is JobStatus.USER_CANCELLED


def test_a_flagged_job_that_is_reserved_is_cancelled_before_its_run_begins(door: Door) -> None:
    job_id = door.order()
    assert door.let_in() == [job_id]
    door.queue.flag_cancel(job_id)
    assert door.let_in() == []
    assert status(door, job_id) is JobStatus.USER_CANCELLED


def test_a_flag_of_a_running_job_is_noted_for_its_run(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    job_id = door.order()
    (reservation,) = door.tick()
    door.store.open(reservation.ticket, "a run")
    door.queue.flag_cancel(job_id)
    assert door.let_in() == []
    assert status(door, job_id) is JobStatus.PROCESSING
    assert door.store.is_cancel_asked(job_id)
    assert not door.queue.is_cancelled(job_id)
    assert f"job {job_id} was cancelled: its run is to stop" in caplog.messages


def test_a_flag_that_comes_too_late_is_taken_away_and_told(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    job_id = door.order()
    (reservation,) = door.tick()
    door.store.open(reservation.ticket, "a run")
    door.store.settle(reservation.ticket, Production(stopped="wrong"))
    door.queue.flag_cancel(job_id)
    before = job_row(door.engine, job_id)
    assert door.let_in() == []
    assert job_row(door.engine, job_id) == before
    assert f"job {job_id} is failed already: its cancel flag goes" in caplog.messages
    assert not door.queue.is_cancelled(job_id)


def test_an_id_that_was_cancelled_can_be_ordered_again_at_once(door: Door) -> None:
    job_id = door.order()
    door.queue.flag_cancel(job_id)
    assert door.let_in() == []
    set_status(door, job_id, JobStatus.PENDING)
    door.queue.ring(job_id)
    (reservation,) = door.tick()
    assert (reservation.ticket.job_id, reservation.ticket.attempt) == (job_id, 1)


def test_a_flag_of_an_unknown_job_is_left_alone_in_silence(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    stranger = uuid4()
    door.queue.flag_cancel(stranger)
    assert door.let_in() == []
    assert door.queue.is_cancelled(stranger)
    assert caplog.messages == []


@pytest.mark.parametrize("path", ["landing", "eats"])
@pytest.mark.parametrize("given", list(JobStatus))
def test_a_flag_of_a_path_that_is_not_ours_is_left_alone(
    door: Door, path: str, given: JobStatus
) -> None:
    job_id = door.unrung(path, age=OLD)
    set_status(door, job_id, given)
    door.queue.flag_cancel(job_id)
    before = job_row(door.engine, job_id)
    assert door.let_in(modules={"eats": {"enabled": False}}) == []
    assert job_row(door.engine, job_id) == before
    assert door.queue.is_cancelled(job_id)


def test_a_flag_of_a_job_that_another_system_works_on_is_left_alone(door: Door) -> None:
    job_id = door.unrung(age=OLD)
    set_status(door, job_id, JobStatus.PROCESSING)
    door.queue.flag_cancel(job_id)
    assert door.let_in() == []
    assert status(door, job_id) is JobStatus.PROCESSING
    assert door.queue.is_cancelled(job_id)


def test_one_tick_cancels_no_more_than_its_bound_and_starts_none_of_the_others(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tick_module, "CANCELS_PER_TICK", 2)
    jobs = [door.order() for _ in range(5)]
    for job_id in jobs:
        door.queue.flag_cancel(job_id)
    ended: list[int] = []
    for _ in range(3):
        assert door.let_in() == []
        ended.append(sum(status(door, each) == "user_cancelled" for each in jobs))
    assert ended == [2, 4, 5]


def test_a_job_that_somebody_locks_keeps_its_flag_and_no_other_waiting(
    door: Door, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    locked, free = door.order(), door.order()
    impatient = connect(database, statement_timeout=timedelta(milliseconds=100))
    hasty = replace(door, store=JobStore(impatient, lease=LEASE, price=20))
    for job_id in (locked, free):
        door.queue.flag_cancel(job_id)
    with door.engine.begin() as another:
        another.execute(sa.select(job).where(job.c.job_id == locked).with_for_update())
        assert hasty.let_in() == []
    impatient.dispose()
    assert (status(door, locked), status(door, free)) == ("pending", "user_cancelled")
    (warning,) = warnings(caplog)
    assert warning.startswith(f"the cancel flag of job {locked} stays for now: PostgreSQL")
    assert door.let_in() == []
    assert status(door, locked) is JobStatus.USER_CANCELLED


def test_flags_that_cannot_be_looked_for_cost_no_ring(
    door: Door, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    job_id = door.order()
    with redis.Redis.from_url(redis_url) as operator:
        operator.acl_setuser(
            "narrow", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-scan"]
        )
        narrow = JobQueue(redis_url.replace("//", "//narrow:any@"), names=("quel_jobs_queue",))
        assert replace(door, queue=narrow).let_in() == [job_id]
        narrow.close()
        operator.acl_deluser("narrow")
    (warning,) = warnings(caplog)
    assert "no permissions" in warning
    assert "no cancel flag is seen" in warning
