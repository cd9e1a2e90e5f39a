"""An attempt that ends without closing its job, and a job that never begins."""

from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from quel_dagster.model.job import Outcome, Payer, Production
from quel_dagster.model.status import JobStatus, PhotoStatus
from quel_dagster.services import tables
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import make_member, place
from quel_dagster_tests.services.store.jobs import (
    A_MOMENT,
    begin,
    change,
    deliver,
    everything,
    expire,
    planned,
    reserve,
    row,
    specs,
)

PAUSE = timedelta(minutes=5)


def test_a_released_job_waits_and_says_why(store: JobStore, engine: sa.Engine) -> None:
    job = planned(store, engine, pictures=2)
    deliver(store, job, 0)
    outcome = store.release(job.ticket, "no server answers", pause=PAUSE, most=3)
    shown = row(engine, tables.job, job.id)
    attempt = row(engine, tables.attempt, job.id)
    message = "no server answers"
    assert outcome == Outcome(status=JobStatus.PENDING, delivered=1, failed=0, message=message)
    assert (shown["job_status"], shown["error_message"]) == (JobStatus.PENDING, message)
    assert (shown["retry_count"], shown["completed_at"]) == (1, None)
    assert (shown["completed_images"], shown["failed_images"]) == (1, 0)
    assert (attempt["phase"], attempt["last_error"]) == ("waiting", message)
    assert attempt["leased_until"] is None
    assert attempt["next_try_at"] - attempt["updated_at"] == pytest.approx(PAUSE, abs=A_MOMENT)
    photo = row(engine, tables.photo, job.production_id)
    assert photo["production_status"] is PhotoStatus.PROCESSING


def test_a_job_that_succeeds_later_forgets_why_it_waited(
    store: JobStore, engine: sa.Engine
) -> None:
    job = planned(store, engine, pictures=2)
    deliver(store, job, 0)
    store.release(job.ticket, "no server answers", pause=timedelta(0), most=3)
    second = begin(store, job.id, "run-2")
    deliver(store, second, 1)
    store.settle(second.ticket, Production())
    shown = row(engine, tables.job, job.id)
    assert (shown["job_status"], shown["error_message"]) == (JobStatus.COMPLETED, None)
    assert (shown["completed_images"], shown["retry_count"]) == (2, 1)


@pytest.mark.parametrize(
    ("delivered", "status"), [((), JobStatus.FAILED), ((1,), JobStatus.COMPLETED)]
)
def test_the_last_attempt_closes_the_job(
    store: JobStore, engine: sa.Engine, delivered: tuple[int, ...], status: JobStatus
) -> None:
    job = planned(store, engine, pictures=2)
    store.release(job.ticket, "no server answers", pause=timedelta(0), most=2)
    last = begin(store, job.id, "run-2")
    deliver(store, last, *delivered)
    outcome = store.release(last.ticket, "no server answers", pause=PAUSE, most=2)
    shown = row(engine, tables.job, job.id)
    assert (outcome.status, shown["job_status"]) == (status, status)
    assert shown["error_message"] == "no server answers (attempt 2 of 2)"
    assert shown["completed_at"] is not None
    assert shown["failed_images"] == 2 - len(delivered)
    assert row(engine, tables.attempt, job.id)["phase"] == "closed"


def test_a_last_attempt_that_had_delivered_everything_completes_the_job(
    store: JobStore, engine: sa.Engine
) -> None:
    job = planned(store, engine)
    deliver(store, job, 0)
    outcome = store.release(job.ticket, "lost its way to settle", pause=PAUSE, most=1)
    assert outcome == Outcome(status=JobStatus.COMPLETED, delivered=1, failed=0)
    assert row(engine, tables.job, job.id)["error_message"] is None


def waiting(engine: sa.Engine, pictures: int = 1) -> sa.RowMapping:
    payer = Payer(member_id=make_member(engine))
    return row(engine, tables.job, place(engine, payer, total_images=pictures))


@pytest.mark.parametrize("ordered", [0, 4])
def test_a_refused_job_is_closed_and_says_why(
    store: JobStore, engine: sa.Engine, ordered: int
) -> None:
    job = waiting(engine, ordered)
    assert store.refuse(job["job_id"], "job_input_data is empty")
    shown = row(engine, tables.job, job["job_id"])
    assert (shown["job_status"], shown["started_at"]) == (JobStatus.FAILED, None)
    assert (shown["error_message"], shown["failed_images"]) == ("job_input_data is empty", ordered)
    assert shown["completed_at"] is not None
    photo = row(engine, tables.photo, job["production_id"])
    assert photo["production_status"] is PhotoStatus.FAILED
    assert photo["processing_duration_seconds"] is None


@pytest.mark.parametrize("status", [*(status for status in JobStatus if status != "pending"), None])
def test_a_job_that_does_not_wait_is_not_refused(
    store: JobStore, engine: sa.Engine, status: JobStatus | None
) -> None:
    job_id = waiting(engine)["job_id"]
    change(engine, tables.job, job_id, job_status=status)
    before = everything(engine)
    assert not store.refuse(job_id, "too late")
    assert everything(engine) == before


def test_a_job_that_somebody_holds_is_not_refused(store: JobStore, engine: sa.Engine) -> None:
    job_id = waiting(engine)["job_id"]
    ticket = reserve(store, job_id)
    before = everything(engine)
    assert not store.refuse(job_id, "three attempts began")
    assert everything(engine) == before
    expire(engine, ticket.job_id)
    assert store.refuse(job_id, "three attempts began")
    assert row(engine, tables.attempt, job_id)["phase"] == "closed"


def test_a_refused_job_keeps_the_pictures_of_earlier_attempts(
    store: JobStore, engine: sa.Engine
) -> None:
    job = begin(store, waiting(engine, 2)["job_id"])
    store.plan(job.ticket, specs(2))
    deliver(store, job, 0)
    store.release(job.ticket, "later", pause=timedelta(0), most=3)
    assert store.refuse(job.id, "three attempts began")
    shown = row(engine, tables.job, job.id)
    assert (shown["job_status"], shown["completed_images"]) == (JobStatus.COMPLETED, 1)
    assert (shown["failed_images"], shown["error_message"]) == (1, "three attempts began")


def test_an_unknown_job_is_not_refused(store: JobStore) -> None:
    assert not store.refuse(uuid4(), "nobody's")
