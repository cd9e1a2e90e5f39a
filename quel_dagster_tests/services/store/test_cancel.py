"""Cancelling a job in the store, whatever it is at: at once, by its run, or too late."""

from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from quel_dagster.model.cancellation import Answer, Cancellation
from quel_dagster.model.errors import TicketLost
from quel_dagster.model.job import Payer, Production
from quel_dagster.model.status import FINAL, JobStatus, PhotoStatus
from quel_dagster.services import tables
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import make_member, place
from quel_dagster_tests.services.store.jobs import (
    at_once,
    begin,
    change,
    deliver,
    everything,
    expire,
    planned,
    reserve,
    row,
    rows,
)

CANCELLED = JobStatus.USER_CANCELLED


def waiting(engine: sa.Engine, pictures: int = 1) -> UUID:
    return place(engine, Payer(member_id=make_member(engine)), total_images=pictures)


def assert_cancelled(engine: sa.Engine, job_id: UUID) -> None:
    """As every cancelled job of a photo of its own stands."""
    job = row(engine, tables.job, job_id)
    assert (job["job_status"], job["failed_images"]) == (CANCELLED, 0)
    assert (job["completed_at"] is not None, job["error_message"]) == (True, None)
    photo = row(engine, tables.photo, job["production_id"])
    assert photo["production_status"] is PhotoStatus.USER_CANCELLED


def test_a_job_that_was_never_tried_is_cancelled_at_once(
    store: JobStore, engine: sa.Engine
) -> None:
    job_id = waiting(engine, 3)
    assert store.cancel(job_id) == Cancellation(
        answer=Answer.CANCELLED, status=CANCELLED, delivered=0, ordered=3
    )
    assert_cancelled(engine, job_id)
    assert rows(engine, tables.attempt) == []


def test_a_job_between_two_attempts_keeps_what_it_has(store: JobStore, engine: sa.Engine) -> None:
    job = planned(store, engine, pictures=2)
    deliver(store, job, 0)
    store.release(job.ticket, "S3 is away", pause=timedelta(hours=1), most=3)
    assert store.cancel(job.id) == Cancellation(
        answer=Answer.CANCELLED, status=CANCELLED, delivered=1, ordered=2
    )
    assert_cancelled(engine, job.id)
    assert row(engine, tables.job, job.id)["completed_images"] == 1
    assert [slot["state"] for slot in rows(engine, tables.slot)] == ["delivered", "planned"]
    assert len(rows(engine, tables.ledger)) == 1


def test_a_reserved_job_is_cancelled_and_its_run_told_so(
    store: JobStore, engine: sa.Engine
) -> None:
    job_id = waiting(engine)
    ticket = reserve(store, job_id)
    assert store.cancel(job_id).answer is Answer.CANCELLED
    assert_cancelled(engine, job_id)
    before = everything(engine)
    with pytest.raises(TicketLost, match=r"already closed .*, the job is user_cancelled"):
        store.open(ticket, "run-1")
    assert everything(engine) == before


def test_a_running_job_is_asked_to_stop_and_closed_by_its_run(
    store: JobStore, engine: sa.Engine
) -> None:
    job = planned(store, engine, pictures=2)
    deliver(store, job, 0)
    assert not store.is_cancel_asked(job.id)
    assert store.cancel(job.id) == Cancellation(
        answer=Answer.STOPPING, status=JobStatus.PROCESSING, delivered=1, ordered=2
    )
    assert store.is_cancel_asked(job.id)
    store.settle(job.ticket, Production())
    assert_cancelled(engine, job.id)
    assert not store.is_cancel_asked(job.id)


def test_asking_again_keeps_the_moment_of_the_first_time(
    store: JobStore, engine: sa.Engine
) -> None:
    job = planned(store, engine)
    store.cancel(job.id)
    before = everything(engine)
    assert store.cancel(job.id).answer is Answer.STOPPING
    assert everything(engine) == before


def test_a_running_job_that_was_to_stop_does_not_wait_for_another_attempt(
    store: JobStore, engine: sa.Engine
) -> None:
    job = planned(store, engine)
    store.cancel(job.id)
    outcome = store.release(job.ticket, "S3 is away", pause=timedelta(0), most=3)
    assert outcome.status is CANCELLED
    assert_cancelled(engine, job.id)


def test_a_job_whose_pictures_are_all_there_is_completed(
    store: JobStore, engine: sa.Engine
) -> None:
    job = planned(store, engine)
    store.cancel(job.id)
    deliver(store, job, 0)
    assert store.settle(job.ticket, Production()).status is JobStatus.COMPLETED
    lost = planned(store, engine)
    deliver(store, lost, 0)
    store.release(lost.ticket, "lost its way to settle", pause=timedelta(hours=1), most=3)
    assert store.cancel(lost.id) == Cancellation(
        answer=Answer.CANCELLED, status=JobStatus.COMPLETED, delivered=1, ordered=1
    )


def test_a_job_whose_worker_died_is_cancelled_at_once_and_the_worker_harmless(
    store: JobStore, engine: sa.Engine
) -> None:
    job = planned(store, engine)
    expire(engine, job.id)
    assert store.cancel(job.id).answer is Answer.CANCELLED
    assert_cancelled(engine, job.id)
    with pytest.raises(TicketLost, match="the job is user_cancelled"):
        deliver(store, job, 0)


@pytest.mark.parametrize("ours_before", [False, True])
def test_a_job_that_another_system_works_on_is_left_to_it(
    store: JobStore, engine: sa.Engine, ours_before: bool
) -> None:
    job_id = waiting(engine, 2)
    if ours_before:
        store.settle(begin(store, job_id).ticket, Production(stopped="wrong"))
    change(engine, tables.job, job_id, job_status=JobStatus.PROCESSING)
    before = everything(engine)
    assert store.cancel(job_id).answer is Answer.ELSEWHERE
    assert everything(engine) == before


@pytest.mark.parametrize("status", sorted(FINAL))
def test_a_final_job_stays_as_it_is(store: JobStore, engine: sa.Engine, status: JobStatus) -> None:
    job_id = waiting(engine)
    change(engine, tables.job, job_id, job_status=status)
    before = everything(engine)
    found = store.cancel(job_id)
    assert (found.answer, found.status) == (Answer.FINAL, status)
    assert found.is_heeded is (status in {"cancelled", "user_cancelled"})
    assert everything(engine) == before


def test_an_unknown_job_is_told(store: JobStore) -> None:
    found = store.cancel(uuid4())
    assert found == Cancellation(answer=Answer.UNKNOWN)
    assert not found.is_heeded


def test_a_row_without_a_status_is_cancelled(store: JobStore, engine: sa.Engine) -> None:
    job_id = waiting(engine)
    change(engine, tables.job, job_id, job_status=None)
    assert store.cancel(job_id).answer is Answer.CANCELLED


def test_of_many_at_once_one_cancels_and_the_others_find_it_done(
    store: JobStore, engine: sa.Engine
) -> None:
    job_id = waiting(engine)
    found = at_once([partial(store.cancel, job_id)] * 8)
    answers = sorted(each.answer for each in found if isinstance(each, Cancellation))
    assert answers == [Answer.CANCELLED, *[Answer.FINAL] * 7]


def test_a_cancel_and_a_settlement_at_once_agree(store: JobStore, engine: sa.Engine) -> None:
    for _ in range(10):
        job = planned(store, engine, pictures=2)
        deliver(store, job, 0)
        found, outcome = at_once(
            [partial(store.cancel, job.id), partial(store.settle, job.ticket, Production())]
        )
        assert isinstance(found, Cancellation)
        ended = row(engine, tables.job, job.id)["job_status"]
        expected = JobStatus.COMPLETED if found.answer is Answer.FINAL else CANCELLED
        assert (ended, not isinstance(outcome, TicketLost)) == (expected, True)


def test_the_wish_binds_no_later_order_of_the_same_id(store: JobStore, engine: sa.Engine) -> None:
    job = planned(store, engine, pictures=2)
    store.cancel(job.id)
    store.settle(job.ticket, Production(cancelled=True))
    change(engine, tables.job, job.id, job_status=JobStatus.PENDING)
    again = begin(store, job.id, "run-2")
    assert not store.is_cancel_asked(job.id)
    assert again.ticket.attempt == 1
    deliver(store, again, 0, 1)
    assert store.settle(again.ticket, Production()).status is JobStatus.COMPLETED
