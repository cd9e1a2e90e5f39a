"""One tick on real servers: which jobs are let in, when, and how many."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
import redis

from quel_dagster.model.job import Production
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import SUIT, job_row
from quel_dagster_tests.intake.door import Door, warnings

OLD = timedelta(minutes=5)


def test_a_rung_job_is_let_in_at_once(door: Door) -> None:
    job_id = door.order("beauty")
    (reservation,) = door.tick()
    assert reservation.ticket.job_id == job_id
    assert reservation.ticket.attempt == 1
    assert (reservation.path, reservation.requested_path) == ("beauty", None)
    assert reservation.member_id == door.customer.member_id
    assert reservation.job_type == "single_batch"


def test_nobody_waiting_lets_nobody_in(door: Door) -> None:
    assert door.tick() == []


def test_a_job_whose_ring_was_lost_is_let_in_after_the_grace(door: Door) -> None:
    door.unrung(age=timedelta(seconds=10))
    late = door.unrung(age=timedelta(seconds=40))
    assert door.let_in(pending={"grace": "30s"}) == [late]


def test_a_shorter_grace_finds_the_younger_job_too(door: Door) -> None:
    job_id = door.unrung(age=timedelta(seconds=10))
    assert door.let_in(pending={"grace": "5s"}) == [job_id]


def test_an_unknown_id_is_told_once_and_costs_no_other(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    stranger = uuid4()
    door.queue.ring(stranger)
    job_id = door.order()
    assert door.let_in() == [job_id]
    assert warnings(caplog) == [f"1 rung ids have no row in quel_production_jobs: {stranger}"]
    assert door.let_in() == []
    assert len(warnings(caplog)) == 1


def test_a_ring_that_is_no_id_is_told_and_costs_no_other(
    door: Door, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with redis.Redis.from_url(redis_url) as front_end:
        front_end.lpush("jobs:queue", b"\xffgarbage")
    job_id = door.order()
    assert door.let_in() == [job_id]
    assert warnings(caplog) == ["a ring that is no job id was dropped: '�garbage'"]


def test_ringing_more_than_once_starts_a_job_once(door: Door) -> None:
    job_id = door.order()
    door.queue.ring(job_id)
    door.queue.ring(job_id)
    assert door.let_in() == [job_id]
    door.queue.ring(job_id)
    assert door.let_in() == []


def test_a_job_that_is_already_at_work_is_left_alone(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    job_id = door.order()
    (reservation,) = door.tick()
    door.store.open(reservation.ticket, "a run")
    door.queue.ring(job_id)
    assert door.let_in() == []
    assert f"job {job_id} is left alone: already processing" in caplog.messages


def test_a_path_takes_no_more_than_its_limit_and_the_oldest_first(door: Door) -> None:
    ages = (timedelta(minutes=minutes) for minutes in (5, 4, 3, 2))
    waiting = [door.unrung(path, age=age) for path, age in zip(["fashion"] * 4, ages, strict=True)]
    limit = {"fashion": {"max_workers": 2}}
    first = door.tick(modules=limit)
    assert [each.ticket.job_id for each in first] == waiting[:2]
    assert door.let_in(modules=limit) == []
    door.store.open(first[0].ticket, "a run")
    assert door.let_in(modules=limit) == []
    door.store.settle(first[0].ticket, Production(stopped="a test"))
    assert door.let_in(modules=limit) == waiting[2:3]
    assert door.let_in(modules={"fashion": {"max_workers": 3}}) == waiting[3:]


def test_a_rung_job_whose_path_is_full_is_let_in_as_soon_as_there_is_room(door: Door) -> None:
    limit = {"fashion": {"max_workers": 1}}
    early, late = door.order(), door.order()
    (first,) = door.tick(modules=limit)
    assert first.ticket.job_id == early
    assert door.let_in(modules=limit) == []
    door.store.open(first.ticket, "a run")
    door.store.settle(first.ticket, Production(stopped="a test"))
    assert door.let_in(modules=limit) == [late]
    assert door.let_in(modules={"fashion": {"max_workers": 9}}) == []


def test_a_full_path_keeps_no_other_waiting(door: Door) -> None:
    for path in ("fashion", "fashion", "shoes", "eats", "beauty"):
        door.unrung(path, age=OLD)
    limits = {path: {"max_workers": 1} for path in ("fashion", "beauty", "eats")}
    first = Counter(reservation.path for reservation in door.tick(modules=limits))
    assert first == {"fashion": 1, "eats": 1, "beauty": 1}
    assert door.tick(modules=limits) == []


def test_a_job_that_was_let_in_and_never_began_is_let_in_again_until_its_attempts_are_used(
    door: Door,
) -> None:
    forgetful = replace(door, store=JobStore(door.engine, lease=timedelta(0), price=20))
    job_id = door.unrung(age=OLD)
    limit = {"max": 2}
    tickets = [
        reservation.ticket for _ in range(3) for reservation in forgetful.tick(attempts=limit)
    ]
    assert [ticket.attempt for ticket in tickets] == [1, 2]
    assert len({ticket.claim_id for ticket in tickets}) == 2
    row = job_row(door.engine, job_id)
    assert row["job_status"] == "failed"
    assert row["error_message"] == "2 attempts began and none came to an end"


def test_a_row_with_a_mask_waits_where_nobody_retouches(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    masked = door.order(None, {**SUIT, "maskDataUrl": "x"})
    empty = door.order(None, {**SUIT, "maskDataUrl": None})
    assert door.let_in() == [empty]
    assert f"job {masked} is left alone: path modify is not served here" in caplog.messages
    assert job_row(door.engine, masked)["job_status"] == "pending"
