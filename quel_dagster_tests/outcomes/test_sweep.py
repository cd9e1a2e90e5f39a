"""The sweep between the store and Dagster, on real ones: what it ends, in both."""

from dataclasses import replace
from uuid import UUID, uuid4

import dagster as dg
import pytest
import sqlalchemy as sa

from quel_dagster.model.job import Production
from quel_dagster.model.status import JobStatus
from quel_dagster.outcomes import sweep_once, sweep_sensor
from quel_dagster.services import tables
from quel_dagster_tests.builders import job_row
from quel_dagster_tests.outcomes.desk import FASHION, Desk, Status
from quel_dagster_tests.services.store.jobs import LEASE, at_once, change, lapse


def test_where_nothing_is_held_nothing_happens(desk: Desk) -> None:
    assert desk.sweep() == 0


def test_what_is_alive_is_left_alone(desk: Desk) -> None:
    _, run_id = desk.begin()
    reservation = desk.reserve()
    coming = desk.run(reservation, Status.STARTING)
    assert desk.sweep() == 0
    assert (desk.status(run_id), desk.status(coming)) == (Status.STARTED, Status.STARTING)


def test_a_dead_attempt_ends_in_the_store_and_in_dagster(desk: Desk) -> None:
    ticket, run_id = desk.begin()
    lapse(desk.engine, ticket.job_id)
    assert desk.sweep() == 1
    words = f"fashion job {ticket.job_id}: attempt 1 ended without a word; its run {run_id} was "
    shown = job_row(desk.engine, ticket.job_id)
    assert (shown["job_status"], shown["retry_count"]) == (JobStatus.PENDING, 1)
    assert shown["error_message"] == f"{words}STARTED"
    assert desk.status(run_id) is Status.FAILURE
    assert desk.last_words(run_id) == f"{words}STARTED; the job is pending"
    assert desk.sweep() == 0


def test_a_dead_attempt_without_a_run_in_dagster_ends_too(desk: Desk) -> None:
    ticket = desk.reserve().ticket
    desk.store.open(ticket, "deleted-in-the-ui")
    lapse(desk.engine, ticket.job_id)
    assert desk.sweep() == 1
    message = job_row(desk.engine, ticket.job_id)["error_message"]
    assert message.endswith("its run deleted-in-the-ui is unknown to Dagster")


def test_a_run_that_was_stored_and_never_launched_is_closed(desk: Desk) -> None:
    reservation = desk.reserve()
    run_id = desk.run(reservation, Status.NOT_STARTED)
    lapse(desk.engine, reservation.ticket.job_id)
    assert desk.sweep() == 1
    assert desk.status(run_id) is Status.FAILURE
    assert desk.store.holders(10) == []


def test_a_reservation_whose_run_is_still_to_come_is_kept(desk: Desk) -> None:
    reservation = desk.reserve()
    run_id = desk.run(reservation, Status.STARTING)
    lapse(desk.engine, reservation.ticket.job_id)
    assert desk.sweep() == 0
    assert desk.status(run_id) is Status.STARTING
    [holder] = desk.store.holders(10)
    assert (holder.ticket, holder.has_lapsed) == (reservation.ticket, False)


@pytest.mark.parametrize("status", [None, Status.STARTED, Status.FAILURE])
def test_a_reservation_that_no_run_takes_up_is_freed(desk: Desk, status: Status | None) -> None:
    reservation = desk.reserve()
    run_id = desk.run(reservation, status) if status else None
    lapse(desk.engine, reservation.ticket.job_id)
    assert desk.sweep() == 1
    assert run_id is None or desk.status(run_id) is Status.FAILURE
    shown = job_row(desk.engine, reservation.ticket.job_id)
    assert (shown["job_status"], shown["retry_count"]) == (JobStatus.PENDING, 0)
    assert (desk.attempt(reservation.ticket)["attempt"]) == 0


def test_the_run_of_another_ticket_does_not_keep_a_reservation(desk: Desk) -> None:
    reservation = desk.reserve()
    other = replace(reservation.ticket, claim_id=uuid4())
    desk.run(replace(reservation, ticket=other), Status.STARTING)
    lapse(desk.engine, reservation.ticket.job_id)
    assert desk.sweep() == 1
    assert desk.attempt(reservation.ticket)["phase"] == "waiting"


def test_a_run_that_is_terminated_in_the_queue_cancels_its_job(desk: Desk) -> None:
    reservation = desk.reserve()
    run_id = desk.run(reservation, Status.CANCELED)
    assert desk.sweep() == 1
    shown = job_row(desk.engine, reservation.ticket.job_id)
    assert shown["job_status"] is JobStatus.USER_CANCELLED
    assert shown["error_message"] == f"run {run_id} was terminated"
    assert desk.sweep() == 0


def test_a_run_that_dies_while_it_is_terminated_is_canceled_and_so_is_its_job(desk: Desk) -> None:
    ticket, run_id = desk.begin(Status.CANCELING)
    assert desk.sweep() == 0
    lapse(desk.engine, ticket.job_id)
    assert desk.sweep() == 1
    assert job_row(desk.engine, ticket.job_id)["job_status"] is JobStatus.USER_CANCELLED
    assert desk.status(run_id) is Status.CANCELED


def settled(desk: Desk) -> tuple[UUID, str]:
    ticket, run_id = desk.begin()
    desk.store.settle(ticket, Production(stopped="it is a test"))
    return ticket.job_id, run_id


def test_a_run_whose_attempt_is_over_is_failed_after_a_while(desk: Desk) -> None:
    job_id, run_id = settled(desk)
    assert desk.sweep() == 0
    moment = sa.func.clock_timestamp() - LEASE
    change(desk.engine, tables.attempt, job_id, updated_at=moment)
    assert desk.sweep() == 1
    assert desk.status(run_id) is Status.FAILURE
    assert desk.last_words(run_id) == f"run {run_id} is closed: its attempt at job {job_id} is over"
    assert desk.sweep() == 0


def test_runs_of_something_else_are_left_alone(desk: Desk) -> None:
    other = desk.instance.create_run_for_job(sweep_once, status=Status.STARTED)
    wrong = {"ops": {"open_job": {"config": {"job_id": "mine", "claim_id": "mine"}}}}
    by_hand = desk.instance.create_run_for_job(FASHION.job, run_config=wrong, status=Status.STARTED)
    assert desk.sweep() == 0
    for run in (other, by_hand):
        assert desk.status(run.run_id) is Status.STARTED


def test_many_sweepers_at_once_do_what_one_would(shared_desk: Desk) -> None:
    desk = shared_desk
    dead = [desk.begin() for _ in range(4)]
    free = [desk.reserve().ticket for _ in range(4)]
    for ticket in [*free, *(ticket for ticket, _ in dead)]:
        lapse(desk.engine, ticket.job_id)
    answers = at_once([desk.sweep for _ in range(6)])
    assert sum(answer for answer in answers if isinstance(answer, int)) == len(dead) + len(free)
    assert {desk.attempt(ticket)["crash_count"] for ticket, _ in dead} == {1}
    assert {desk.attempt(ticket)["attempt"] for ticket in free} == {0}
    assert {desk.status(run_id) for _, run_id in dead} == {Status.FAILURE}


def test_the_sensor_sweeps_and_says_what_it_did(desk: Desk) -> None:
    ticket, _ = desk.begin()
    lapse(desk.engine, ticket.job_id)
    said: list[str | None] = []
    for _ in range(2):
        with dg.build_sensor_context(instance=desk.instance, resources=desk.resources) as context:
            said.append(sweep_sensor.evaluate_tick(context).skip_message)
    assert said == ["attempts and runs that were ended: 1", "nothing to end"]
    assert sweep_sensor.default_status is dg.DefaultSensorStatus.RUNNING


def test_an_operator_sweeps_by_hand(desk: Desk) -> None:
    ticket, run_id = desk.begin()
    lapse(desk.engine, ticket.job_id)
    assert sweep_once.execute_in_process(instance=desk.instance, resources=desk.resources).success
    assert desk.attempt(ticket)["phase"] == "waiting"
    assert desk.status(run_id) is Status.FAILURE
