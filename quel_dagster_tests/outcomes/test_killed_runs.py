"""A run whose process is killed: the sweep finds it, and nothing is lost or made twice."""

from uuid import UUID

import dagster as dg
import pytest

from quel_dagster.services import tables
from quel_dagster_tests.journey.moments import charged
from quel_dagster_tests.outcomes.workshop import PICTURES, Workshop, wait_until
from quel_dagster_tests.services.store.jobs import change


def kill_while_rendering(workshop: Workshop, job_id: UUID) -> dg.DagsterRun:
    """Kills a run in the middle of its second picture, and sweeps when the lease is over."""
    process = workshop.begin()
    workshop.wait_for_the_second_picture(job_id)
    process.kill()
    process.wait()
    wait_until(workshop.sweep, "the lease runs out")
    assert workshop.sweep() == 0
    return workshop.run_of(job_id)


def test_a_killed_run_is_repeated_and_no_picture_is_rendered_or_charged_twice(
    workshop: Workshop,
) -> None:
    job_id = workshop.order()
    run = kill_while_rendering(workshop, job_id)

    row, attempt = workshop.house.row(job_id), workshop.attempt(job_id)
    words = f"fashion job {job_id}, step produce: attempt 1 ended without a word; "
    words += f"its run {run.run_id} was STARTED"
    assert (row["job_status"], row["retry_count"], row["error_message"]) == ("pending", 1, words)
    assert (attempt["phase"], attempt["attempt"], attempt["crash_count"]) == ("waiting", 1, 1)
    assert run.status is dg.DagsterRunStatus.FAILURE

    assert workshop.serve_again(job_id).is_success
    row = workshop.house.row(job_id)
    assert (row["job_status"], row["retry_count"], row["error_message"]) == ("completed", 1, None)
    assert workshop.slots(job_id) == ["delivered"] * PICTURES
    assert charged(workshop.house, job_id) == 20 * PICTURES
    assert workshop.outcomes() == ["success"] * PICTURES


def test_a_job_that_loses_its_process_every_time_ends_and_keeps_what_it_has(
    workshop: Workshop,
) -> None:
    job_id = workshop.order()
    kill_while_rendering(workshop, job_id)
    workshop.house.environment.queue.ring(job_id)
    process = workshop.begin()
    wait_until(lambda: workshop.slots(job_id).count("delivered") == 2, "the second picture")
    process.kill()
    process.wait()
    wait_until(workshop.sweep, "the lease runs out")

    row, attempt = workshop.house.row(job_id), workshop.attempt(job_id)
    assert (row["job_status"], row["completed_images"], row["failed_images"]) == ("completed", 2, 1)
    assert row["error_message"].startswith(f"fashion job {job_id}, step produce: attempt 2 ended")
    assert row["error_message"].endswith("was STARTED (attempt 2 of 2)")
    assert (attempt["phase"], attempt["crash_count"]) == ("closed", 2)
    assert charged(workshop.house, job_id) == 40


@pytest.mark.parametrize("way", ["terminated", "last attempt"])
def test_what_a_killed_run_leaves_on_comfyui_is_taken_back_when_its_job_has_ended(
    workshop: Workshop, way: str
) -> None:
    workshop.comfyui.faults(render_seconds=60)
    job_id = workshop.order()
    process = workshop.begin()
    wait_until(workshop.is_rendering, "the first picture is being rendered")
    if way == "terminated":
        workshop.house.instance.report_run_canceling(workshop.run_of(job_id))
    else:
        change(workshop.house.environment.engine, tables.attempt, job_id, attempt=2)
    process.kill()
    process.wait()
    wait_until(workshop.sweep, "the lease runs out")

    status = {"terminated": "user_cancelled", "last attempt": "failed"}[way]
    assert workshop.house.row(job_id)["job_status"] == status
    wait_until(lambda: not workshop.is_rendering(), "the render is interrupted")
    assert workshop.outcomes() == ["interrupted"]


def test_what_a_killed_run_leaves_on_comfyui_is_kept_for_the_next_attempt(
    workshop: Workshop,
) -> None:
    workshop.comfyui.faults(render_seconds=5)
    job_id = workshop.order()
    process = workshop.begin()
    wait_until(workshop.is_rendering, "the first picture is being rendered")
    process.kill()
    process.wait()
    wait_until(workshop.sweep, "the lease runs out")
    assert workshop.house.row(job_id)["job_status"] == "pending"
    assert workshop.is_rendering()
