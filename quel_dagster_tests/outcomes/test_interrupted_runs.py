"""A run whose process is told to stop hands its job back, or closes it if that was asked for."""

import signal
from collections.abc import Sequence
from uuid import UUID

import dagster as dg
import pytest

from quel_dagster.model.errors import Unavailable
from quel_dagster.model.job import Slot, Ticket
from quel_dagster.model.spec import Spec
from quel_dagster_tests.house import House
from quel_dagster_tests.journey.moments import charged, order
from quel_dagster_tests.outcomes.workshop import PICTURES, Workshop, wait_until


def assert_handed_back(workshop: Workshop, job_id: UUID) -> None:
    row, attempt = workshop.house.row(job_id), workshop.attempt(job_id)
    assert (row["job_status"], row["retry_count"]) == ("pending", 0)
    assert row["error_message"] == "attempt 1 was interrupted: its process was told to stop"
    assert (attempt["phase"], attempt["attempt"], attempt["crash_count"]) == ("waiting", 0, 0)
    assert workshop.run_of(job_id).status is dg.DagsterRunStatus.FAILURE


def assert_completed_without_waste(workshop: Workshop, job_id: UUID) -> None:
    """By the next attempt, which adopts what was being rendered."""
    assert workshop.serve_again(job_id).is_success
    row, attempt = workshop.house.row(job_id), workshop.attempt(job_id)
    assert (row["job_status"], row["retry_count"], row["error_message"]) == ("completed", 0, None)
    assert (attempt["attempt"], attempt["crash_count"]) == (1, 0)
    assert charged(workshop.house, job_id) == 20 * PICTURES
    assert workshop.outcomes() == ["success"] * PICTURES


def test_a_run_that_is_told_to_stop_hands_its_job_back(workshop: Workshop) -> None:
    job_id = workshop.order()
    process = workshop.begin()
    workshop.wait_for_the_second_picture(job_id)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert_handed_back(workshop, job_id)
    assert_completed_without_waste(workshop, job_id)


@pytest.mark.parametrize(
    "moments",
    [
        ["STEP_SUCCESS", "open_job"],
        ["STEP_SUCCESS", "produce"],
        ["STEP_SUCCESS", "open_job", "STEP_FAILURE", "fashion_specs"],
    ],
    ids="-".join,
)
def test_signals_between_steps_and_while_the_job_is_handed_back_do_no_harm(
    workshop: Workshop, moments: list[str]
) -> None:
    job_id = workshop.order()
    assert workshop.begin(*moments).wait(60) == 0
    assert_handed_back(workshop, job_id)
    assert_completed_without_waste(workshop, job_id)


def test_a_run_that_is_terminated_cancels_its_job_and_the_prompt_in_work(
    workshop: Workshop,
) -> None:
    job_id = workshop.order()
    process = workshop.begin()
    workshop.wait_for_the_second_picture(job_id)
    run = workshop.run_of(job_id)
    workshop.house.instance.report_run_canceling(run)
    process.send_signal(signal.SIGINT)
    process.wait(30)
    row = workshop.house.row(job_id)
    assert (row["job_status"], row["completed_images"]) == ("user_cancelled", 1)
    assert row["error_message"] == f"run {run.run_id} was terminated"
    assert row["completed_at"] is not None
    assert workshop.run_of(job_id).status is dg.DagsterRunStatus.CANCELED
    assert charged(workshop.house, job_id) == 20
    wait_until(lambda: not workshop.is_rendering(), "the server stops")
    assert workshop.outcomes() == ["success", "interrupted"]


@pytest.mark.parametrize("workshop", [10.0], indirect=True)
def test_a_run_whose_job_was_closed_meanwhile_takes_its_prompt_back(workshop: Workshop) -> None:
    job_id = workshop.order()
    process = workshop.begin()
    wait_until(workshop.is_rendering, "the first picture is being rendered")
    [holder] = workshop.house.environment.store.holders(10)
    workshop.house.environment.store.call_off(holder.ticket, "its run was marked as canceled")
    process.wait(30)
    assert workshop.run_of(job_id).status is dg.DagsterRunStatus.SUCCESS
    wait_until(lambda: workshop.outcomes() == ["interrupted"], "the server stops")
    assert workshop.house.row(job_id)["job_status"] == "user_cancelled"


def test_a_step_that_fails_while_its_run_is_terminated_cancels_the_job(house: House) -> None:
    job_id = order(house)

    def away(ticket: Ticket, specs: Sequence[Spec]) -> dict[int, Slot]:
        [run] = house.instance.get_runs()
        house.instance.report_run_canceling(run)
        raise Unavailable

    house.environment.store.plan = away
    [run] = house.serve()
    assert run.status is dg.DagsterRunStatus.CANCELED
    row = house.row(job_id)
    assert (row["job_status"], row["completed_images"]) == ("user_cancelled", 0)
