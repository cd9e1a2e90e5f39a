"""One tick on real servers: which jobs are refused, diverted or left as they are."""

from datetime import timedelta

import pytest

from quel_dagster_tests.builders import SUIT, job_row, place
from quel_dagster_tests.intake.door import Door, warnings

OLD = timedelta(minutes=5)
REJECT = {"unknown_path_behavior": "reject"}


def test_an_unknown_path_is_refused_with_the_reason_on_the_row(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    job_id = door.order("shoes")
    assert door.let_in(fallback=REJECT) == []
    row = job_row(door.engine, job_id)
    assert row["job_status"] == "failed"
    assert row["completed_at"] is not None
    assert row["failed_images"] == 1
    reason = "quel_production_path 'shoes' is not served; use one of beauty, eats, fashion"
    assert row["error_message"] == reason
    assert warnings(caplog) == [f"shoes job {job_id} is refused: {reason}"]


@pytest.mark.parametrize(
    ("order_input", "found"),
    [
        ({}, "is empty"),
        ([], "is empty"),
        ("linen suit", "is a JSON string"),
        ([1], "is a JSON array"),
        (7, "is a JSON number"),
    ],
)
def test_an_input_that_is_no_order_is_refused_with_the_reason_on_the_row(
    door: Door, order_input: object, found: str
) -> None:
    refused, served = door.order(input=order_input), door.order()
    assert door.let_in() == [served]
    row = job_row(door.engine, refused)
    assert row["job_status"] == "failed"
    assert row["error_message"].startswith(f"job_input_data {found}; expected a JSON object")


@pytest.mark.parametrize(("path", "requested"), [("shoes", "shoes"), (None, "none")])
def test_the_fallback_serves_and_says_so(
    door: Door, caplog: pytest.LogCaptureFixture, path: str | None, requested: str
) -> None:
    job_id = door.order(path)
    (reservation,) = door.tick(fallback={"default_path": "eats"})
    assert (reservation.path, reservation.requested_path) == ("eats", requested)
    assert warnings(caplog) == [f"job {job_id} asked for path '{requested}'; eats serves it"]


def test_a_path_written_in_capitals_is_no_fallback(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    door.order(" Eats")
    (reservation,) = door.tick()
    assert (reservation.path, reservation.requested_path) == ("eats", None)
    assert warnings(caplog) == []


@pytest.mark.parametrize("path", ["multiview", "landing", "Multiview"])
@pytest.mark.parametrize("fallback", [{}, REJECT])
def test_a_path_that_is_served_elsewhere_stays_untouched(
    door: Door, path: str, fallback: dict[str, str]
) -> None:
    rung, found = door.order(path, input="not even an order"), door.unrung(path, age=OLD)
    before = [job_row(door.engine, job_id) for job_id in (rung, found)]
    assert door.let_in(fallback=fallback) == []
    assert [job_row(door.engine, job_id) for job_id in (rung, found)] == before


def test_a_path_that_is_switched_off_stays_untouched_until_it_is_on(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    off = {"eats": {"enabled": False}}
    job_id = door.unrung("eats", age=OLD)
    before = job_row(door.engine, job_id)
    assert door.let_in(modules=off) == []
    assert caplog.messages == []
    door.queue.ring(job_id)
    assert door.let_in(modules=off) == []
    assert caplog.messages == [f"job {job_id} is left alone: path eats is not enabled"]
    assert job_row(door.engine, job_id) == before
    assert door.let_in() == [job_id]


def test_a_row_from_before_the_first_day_is_never_started(door: Door) -> None:
    wreck = door.unrung(age=timedelta(days=2))
    before = job_row(door.engine, wreck)
    assert door.let_in() == []
    door.queue.ring(wreck)
    assert door.let_in() == []
    assert job_row(door.engine, wreck) == before


@pytest.mark.parametrize(("path", "order_input"), [("fashion", "no order"), ("shoes", SUIT)])
def test_a_row_from_before_the_first_day_is_not_even_refused(
    door: Door, path: str, order_input: object
) -> None:
    age = timedelta(days=2)
    wreck = place(door.engine, door.customer, path=path, input=order_input, age=age)
    assert door.let_in(fallback=REJECT) == []
    assert job_row(door.engine, wreck)["job_status"] == "pending"
