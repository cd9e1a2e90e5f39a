"""A run with several pictures in work whose process is told to stop, or killed."""

import signal
import time
from pathlib import Path
from uuid import UUID

import pytest

from quel_dagster.services.backend_book import BackendBook
from quel_dagster_tests.journey.moments import charged
from quel_dagster_tests.outcomes.workshop import PICTURES, Workshop, wait_until
from quel_dagster_tests.run_process import RunProcess


@pytest.fixture
def side_by_side(variables: dict[str, str], workshop: Workshop) -> Workshop:
    """All pictures of an order in work at once, on a server that has room for two.

    The lease is long enough for a run to begin on a machine that has much to do.
    """
    config = Path(variables["QUEL_CONFIG"])
    text = config.read_text().replace("by_side: 1", f"by_side: {PICTURES}")
    config.write_text(text.replace("lease: 2s", "lease: 12s"))
    return workshop


def begin(workshop: Workshop, job_id: UUID) -> RunProcess:
    """A run, with one picture rendered and one waiting behind it."""
    process = workshop.begin()
    begun = ["delivered", "submitted", "submitted"]
    wait_until(lambda: workshop.slots(job_id) == begun, "two pictures are in work")
    return process


def assert_completed_without_waste(workshop: Workshop, job_id: UUID) -> None:
    assert workshop.serve_again(job_id).is_success
    assert workshop.house.row(job_id)["job_status"] == "completed"
    assert charged(workshop.house, job_id) == 20 * PICTURES
    assert workshop.outcomes() == ["success"] * PICTURES
    assert BackendBook(workshop.house.environment.engine).places() == {}


@pytest.mark.parametrize("workshop", [3.0], indirect=True)
def test_told_to_stop_it_hands_its_job_back_at_once_and_leaves_its_renders(
    side_by_side: Workshop,
) -> None:
    job_id = side_by_side.order()
    process = begin(side_by_side, job_id)
    process.send_signal(signal.SIGTERM)
    told_at = time.monotonic()
    wait_until(
        lambda: side_by_side.house.row(job_id)["job_status"] == "pending", "the job is handed back"
    )
    assert time.monotonic() - told_at < 6
    assert process.wait(30) == 0
    attempt = side_by_side.attempt(job_id)
    assert (attempt["attempt"], attempt["crash_count"]) == (0, 0)
    assert_completed_without_waste(side_by_side, job_id)


def test_killed_it_leaves_no_place_and_the_next_attempt_finds_its_renders(
    side_by_side: Workshop,
) -> None:
    job_id = side_by_side.order()
    process = begin(side_by_side, job_id)
    process.kill()
    process.wait()
    book = BackendBook(side_by_side.house.environment.engine)
    wait_until(lambda: book.places() == {}, "the places are free")
    wait_until(side_by_side.sweep, "the attempt is found dead")
    assert_completed_without_waste(side_by_side, job_id)
