"""A run whose process is told to stop hands its job back, or closes it if that was asked for."""

import signal
from uuid import UUID

import dagster as dg
import pytest

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
    assert workshop.charges(job_id) == [-20] * PICTURES
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
    assert workshop.charges(job_id) == [-20]
    wait_until(lambda: not workshop.is_rendering(), "the server stops")
    assert workshop.outcomes() == ["success", "interrupted"]
