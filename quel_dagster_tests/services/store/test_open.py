"""A run takes its job: once, with the ticket of its reservation."""

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
import sqlalchemy as sa

from quel_dagster.model.errors import TicketLost
from quel_dagster.model.job import JobRow, Payer, Ticket
from quel_dagster.model.status import JobStatus, PhotoStatus
from quel_dagster.services import tables
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import SUIT, make_member, make_org, place
from quel_dagster_tests.services.store.jobs import (
    A_MOMENT,
    LEASE,
    at_once,
    begin,
    change,
    everything,
    expire,
    lapse,
    reserve,
    row,
)


@pytest.fixture
def payer(engine: sa.Engine) -> Payer:
    return Payer(member_id=make_member(engine), org_id=make_org(engine))


def test_an_opened_job_is_processing_and_so_is_its_photo(
    store: JobStore, engine: sa.Engine, payer: Payer
) -> None:
    job_id = place(engine, payer, path="sports", total_images=3)
    (reservation,) = store.reserve("fashion", [(job_id, "sports")], 1)
    opened = store.open(reservation.ticket, "run-1")
    job = row(engine, tables.job, job_id)
    attempt = row(engine, tables.attempt, job_id)
    assert opened == JobRow(
        ticket=reservation.ticket,
        path="fashion",
        requested_path="sports",
        job_type="single_batch",
        production_id=job["production_id"],
        total_images=3,
        input=SUIT,
        payer=payer,
    )
    assert (job["job_status"], job["retry_count"]) == (JobStatus.PROCESSING, 0)
    assert job["created_at"] < job["started_at"]
    assert (attempt["phase"], attempt["run_id"]) == ("started", "run-1")
    assert attempt["leased_until"] - attempt["started_at"] == pytest.approx(LEASE, abs=A_MOMENT)
    photo = row(engine, tables.photo, opened.production_id)
    assert photo["production_status"] is PhotoStatus.PROCESSING


def test_of_eight_runs_with_one_ticket_exactly_one_gets_the_job(
    store: JobStore, engine: sa.Engine, payer: Payer
) -> None:
    ticket = reserve(store, place(engine, payer))
    answers = at_once([partial(store.open, ticket, f"run-{number}") for number in range(8)])
    losers = [answer for answer in answers if isinstance(answer, TicketLost)]
    (winner,) = [number for number, answer in enumerate(answers) if isinstance(answer, JobRow)]
    assert len(losers) == 7
    assert {str(loser) for loser in losers} == {
        f"this attempt is already started (run run-{winner})"
    }
    assert row(engine, tables.attempt, ticket.job_id)["run_id"] == f"run-{winner}"


def test_an_old_ticket_is_told_who_took_over(
    store: JobStore, engine: sa.Engine, payer: Payer
) -> None:
    job_id = place(engine, payer)
    old = reserve(store, job_id)
    expire(engine, job_id)
    new = reserve(store, job_id)
    with pytest.raises(TicketLost, match="attempt 2 has taken over: reserved, run not begun"):
        store.open(old, "run-1")
    store.open(new, "run-2")
    with pytest.raises(TicketLost, match="attempt 2 has taken over: started, run run-2"):
        store.open(old, "run-1")


@pytest.mark.parametrize("status", [status for status in JobStatus if status != "pending"])
def test_a_job_that_no_longer_waits_is_not_opened(
    store: JobStore, engine: sa.Engine, payer: Payer, status: JobStatus
) -> None:
    ticket = reserve(store, place(engine, payer))
    change(engine, tables.job, ticket.job_id, job_status=status)
    before = everything(engine)
    with pytest.raises(TicketLost, match=f"the job is {status} by now"):
        store.open(ticket, "run-1")
    assert everything(engine) == before


def test_a_job_that_is_gone_is_not_opened(store: JobStore, engine: sa.Engine, payer: Payer) -> None:
    ticket = reserve(store, place(engine, payer))
    with engine.begin() as tx:
        tx.execute(sa.delete(tables.photo))
    with pytest.raises(TicketLost, match="the job or its reservation is gone"):
        store.open(ticket, "run-1")
    with pytest.raises(TicketLost, match="gone"):
        store.open(Ticket(job_id=uuid4(), claim_id=uuid4()), "run-1")


def test_a_late_run_may_open_as_long_as_its_reservation_counts(
    store: JobStore, engine: sa.Engine, payer: Payer
) -> None:
    ticket = reserve(store, place(engine, payer))
    lapse(engine, ticket.job_id, LEASE / 2)
    assert store.open(ticket, "run-1").ticket == ticket


def test_a_run_that_comes_when_its_place_may_be_anothers_is_turned_away(
    store: JobStore, engine: sa.Engine, payer: Payer
) -> None:
    ticket = reserve(store, place(engine, payer))
    expire(engine, ticket.job_id)
    with pytest.raises(TicketLost, match="reservation ran out before a run began"):
        store.open(ticket, "run-1")


def test_a_second_attempt_keeps_the_moment_the_job_first_started(
    store: JobStore, engine: sa.Engine, payer: Payer
) -> None:
    job_id = place(engine, payer)
    store.release(begin(store, job_id).ticket, "later", pause=timedelta(0), most=3)
    first = row(engine, tables.job, job_id)["started_at"]
    second = begin(store, job_id, "run-2")
    job = row(engine, tables.job, job_id)
    assert (job["started_at"], job["retry_count"]) == (first, 1)
    assert second.ticket.attempt == 2


def test_a_run_is_known_by_the_job_it_holds(
    store: JobStore, engine: sa.Engine, payer: Payer
) -> None:
    ticket = reserve(store, place(engine, payer))
    begin(store, place(engine, payer), "another-run")
    assert store.ticket_of("run-1") is None
    store.open(ticket, "run-1")
    assert store.ticket_of("run-1") == ticket
    store.release(ticket, "later", pause=timedelta(0), most=3)
    assert store.ticket_of("run-1") is None


def test_a_sign_of_life_moves_the_lease(store: JobStore, engine: sa.Engine, payer: Payer) -> None:
    job = begin(store, place(engine, payer))
    before = row(engine, tables.attempt, job.id)["leased_until"]
    store.renew(job.ticket)
    after = row(engine, tables.attempt, job.id)
    assert after["leased_until"] > before
    assert after["leased_until"] - after["updated_at"] == pytest.approx(LEASE, abs=A_MOMENT)
