"""What a job comes to, and its photo with it."""

from functools import partial

import pytest
import sqlalchemy as sa

from quel_dagster.model.job import Job, Outcome, Payer, Production
from quel_dagster.model.status import JobStatus, PhotoStatus
from quel_dagster.services import tables
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import make_member, place
from quel_dagster_tests.services.store.jobs import (
    at_once,
    begin,
    change,
    deliver,
    join_photo,
    planned,
    row,
    specs,
)


def closed(engine: sa.Engine, job: Job) -> sa.RowMapping:
    """The job's row, after what must be true of every closed job."""
    shown = row(engine, tables.job, job.id)
    attempt = row(engine, tables.attempt, job.id)
    assert shown["completed_at"] >= shown["started_at"]
    assert (attempt["phase"], attempt["leased_until"]) == ("closed", None)
    assert attempt["last_error"] == shown["error_message"]
    return shown


def photo_status(engine: sa.Engine, job: Job) -> PhotoStatus:
    return row(engine, tables.photo, job.production_id)["production_status"]


def test_all_pictures_complete_a_job(store: JobStore, engine: sa.Engine) -> None:
    job = planned(store, engine, pictures=2)
    deliver(store, job, 0, 1)
    outcome = store.settle(job.ticket, Production())
    assert outcome == Outcome(status=JobStatus.COMPLETED, delivered=2, failed=0)
    shown = closed(engine, job)
    assert (shown["job_status"], shown["error_message"]) == (JobStatus.COMPLETED, None)
    assert (shown["completed_images"], shown["failed_images"]) == (2, 0)
    assert photo_status(engine, job) is PhotoStatus.COMPLETED


def test_some_pictures_complete_a_job_that_says_what_is_missing(
    store: JobStore, engine: sa.Engine
) -> None:
    job = planned(store, engine, pictures=4)
    deliver(store, job, 1)
    store.give_up(job.ticket, 2, "too bright")
    store.give_up(job.ticket, 0, "too dark")
    outcome = store.settle(job.ticket, Production(stopped="slot 3: member has 0 credits"))
    shown = closed(engine, job)
    message = "slot 3: member has 0 credits; slot 0: too dark; slot 2: too bright"
    assert outcome == Outcome(status=JobStatus.COMPLETED, delivered=1, failed=3, message=message)
    assert (shown["job_status"], shown["error_message"]) == (JobStatus.COMPLETED, message)
    assert (shown["completed_images"], shown["failed_images"]) == (1, 3)


@pytest.mark.parametrize(
    ("production", "message"),
    [
        (Production(stopped="member has 0 credits"), "member has 0 credits"),
        (Production(), "3 of 3 pictures were not made"),
    ],
)
def test_no_picture_fails_a_job(
    store: JobStore, engine: sa.Engine, production: Production, message: str
) -> None:
    job = planned(store, engine, pictures=3)
    outcome = store.settle(job.ticket, production)
    assert outcome == Outcome(status=JobStatus.FAILED, delivered=0, failed=3, message=message)
    shown = closed(engine, job)
    assert (shown["job_status"], shown["error_message"]) == (JobStatus.FAILED, message)
    assert (shown["completed_images"], shown["failed_images"]) == (0, 3)
    assert photo_status(engine, job) is PhotoStatus.FAILED


@pytest.mark.parametrize("ordered", [0, 5])
def test_a_job_that_never_had_slots_fails_by_what_it_ordered(
    store: JobStore, engine: sa.Engine, ordered: int
) -> None:
    payer = Payer(member_id=make_member(engine))
    job = begin(store, place(engine, payer, total_images=ordered))
    outcome = store.settle(job.ticket, Production(stopped="combinations: empty"))
    assert (outcome.status, outcome.failed) == (JobStatus.FAILED, ordered)
    assert closed(engine, job)["failed_images"] == ordered


def test_planned_slots_count_and_not_what_the_row_says(store: JobStore, engine: sa.Engine) -> None:
    job = planned(store, engine, pictures=2)
    change(engine, tables.job, job.id, total_images=10)
    deliver(store, job, 0, 1)
    outcome = store.settle(job.ticket, Production())
    assert outcome == Outcome(status=JobStatus.COMPLETED, delivered=2, failed=0)


def test_a_cancelled_job_keeps_its_pictures_and_counts_real_failures_only(
    store: JobStore, engine: sa.Engine
) -> None:
    job = planned(store, engine, pictures=4)
    deliver(store, job, 0)
    store.give_up(job.ticket, 1, "too dark")
    outcome = store.settle(job.ticket, Production(cancelled=True))
    shown = closed(engine, job)
    assert (outcome.delivered, outcome.failed) == (1, 1)
    assert (outcome.status, shown["job_status"]) == (JobStatus.USER_CANCELLED,) * 2
    assert (shown["completed_images"], shown["failed_images"]) == (1, 1)
    assert shown["error_message"] == "slot 1: too dark"
    assert photo_status(engine, job) is PhotoStatus.USER_CANCELLED


def test_a_cancel_before_the_first_picture_is_no_failure(
    store: JobStore, engine: sa.Engine
) -> None:
    job = planned(store, engine)
    outcome = store.settle(job.ticket, Production(cancelled=True))
    assert outcome == Outcome(status=JobStatus.USER_CANCELLED, delivered=0, failed=0)
    assert closed(engine, job)["error_message"] is None


def test_a_cancel_after_the_last_picture_comes_too_late(store: JobStore, engine: sa.Engine) -> None:
    job = planned(store, engine)
    deliver(store, job, 0)
    outcome = store.settle(job.ticket, Production(cancelled=True))
    assert outcome == Outcome(status=JobStatus.COMPLETED, delivered=1, failed=0)


def test_a_long_message_is_cut(store: JobStore, engine: sa.Engine) -> None:
    job = planned(store, engine)
    store.settle(job.ticket, Production(stopped="x" * 9000))
    assert closed(engine, job)["error_message"] == "x" * 2000


def family(store: JobStore, engine: sa.Engine, count: int) -> list[Job]:
    """Jobs of one photo, each in progress with one slot."""
    payer = Payer(member_id=make_member(engine))
    ids = [place(engine, payer) for _ in range(count)]
    join_photo(engine, row(engine, tables.job, ids[0])["production_id"], *ids)
    jobs = [begin(store, job_id, f"run-{job_id}") for job_id in ids]
    for job in jobs:
        store.plan(job.ticket, specs(1))
    return jobs


@pytest.mark.parametrize(
    ("ends", "status"),
    [
        ("completed failed user_cancelled", PhotoStatus.COMPLETED),
        ("user_cancelled failed user_cancelled", PhotoStatus.FAILED),
        ("user_cancelled user_cancelled user_cancelled", PhotoStatus.USER_CANCELLED),
    ],
)
def test_a_photo_ends_when_its_last_job_ends_and_follows_all_of_them(
    store: JobStore, engine: sa.Engine, ends: str, status: PhotoStatus
) -> None:
    jobs = family(store, engine, 3)
    for job, end in zip(jobs, ends.split(), strict=True):
        assert photo_status(engine, job) is PhotoStatus.PROCESSING
        if end == "completed":
            deliver(store, job, 0)
        store.settle(job.ticket, Production(cancelled=end == "user_cancelled"))
    assert photo_status(engine, jobs[0]) is status


def test_of_jobs_that_end_together_the_last_one_closes_the_photo(
    store: JobStore, engine: sa.Engine
) -> None:
    for _ in range(5):
        jobs = family(store, engine, 8)
        at_once([partial(store.settle, job.ticket, Production()) for job in jobs])
        assert photo_status(engine, jobs[0]) is PhotoStatus.FAILED


def test_a_photo_tells_how_long_its_jobs_took(store: JobStore, engine: sa.Engine) -> None:
    first, second = family(store, engine, 2)
    earlier = sa.func.clock_timestamp() - sa.text("interval '90 seconds'")
    change(engine, tables.job, first.id, started_at=earlier)
    store.settle(first.ticket, Production())
    photo = partial(row, engine, tables.photo, first.production_id)
    assert photo()["processing_duration_seconds"] is None
    store.settle(second.ticket, Production())
    assert 90 <= photo()["processing_duration_seconds"] <= 120
