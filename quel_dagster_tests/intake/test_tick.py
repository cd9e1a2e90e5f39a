"""One tick on real servers: which jobs are let in, which are refused, which stay untouched."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import redis
import sqlalchemy as sa

from quel_dagster.demo.parts import reserved_port
from quel_dagster.model.errors import ConfigurationError, Unavailable
from quel_dagster.model.job import Production, Reservation
from quel_dagster.services.database import connect
from quel_dagster.services.queue import JobQueue
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import job_row
from quel_dagster_tests.intake.conftest import LEASE, Door

OLD = timedelta(minutes=5)
REJECT = {"unknown_path_behavior": "reject"}


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


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


def test_a_full_path_keeps_no_other_waiting(door: Door) -> None:
    for path in ("fashion", "fashion", "shoes", "eats", "beauty"):
        door.unrung(path, age=OLD)
    limits = {path: {"max_workers": 1} for path in ("fashion", "beauty", "eats")}
    first = Counter(reservation.path for reservation in door.tick(modules=limits))
    assert first == {"fashion": 1, "eats": 1, "beauty": 1}
    assert door.tick(modules=limits) == []


def test_without_redis_jobs_are_let_in_after_the_grace(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    waiting, young = door.unrung(age=OLD), door.unrung()
    with reserved_port() as port:
        silent = JobQueue(f"redis://127.0.0.1:{port}", names=("jobs:queue",))
        (reservation,) = replace(door, queue=silent).tick()
    assert reservation.ticket.job_id == waiting
    (warning,) = warnings(caplog)
    assert warning.startswith("Redis did not serve")
    assert warning.endswith("waiting rows are served without a ring")
    assert job_row(door.engine, young)["job_status"] == "pending"


@pytest.mark.parametrize("path", ["multiview", "landing", "Multiview"])
@pytest.mark.parametrize("fallback", [{}, REJECT])
def test_a_path_that_is_served_elsewhere_stays_untouched(
    door: Door, path: str, fallback: dict[str, str]
) -> None:
    rung, found = door.order(path, input="not even an order"), door.unrung(path, age=OLD)
    before = [job_row(door.engine, job_id) for job_id in (rung, found)]
    assert door.let_in(fallback=fallback) == []
    assert [job_row(door.engine, job_id) for job_id in (rung, found)] == before


def test_a_path_that_is_switched_off_stays_untouched_until_it_is_on(door: Door) -> None:
    job_id = door.unrung("eats", age=OLD)
    before = job_row(door.engine, job_id)
    assert door.let_in(modules={"eats": {"enabled": False}}) == []
    assert job_row(door.engine, job_id) == before
    assert door.let_in() == [job_id]


def test_a_row_from_before_the_first_day_is_never_started(door: Door) -> None:
    wreck = door.unrung(age=timedelta(days=2))
    before = job_row(door.engine, wreck)
    assert door.let_in() == []
    door.queue.ring(wreck)
    assert door.let_in() == []
    assert job_row(door.engine, wreck) == before


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


def test_a_fallback_that_no_category_serves_is_told_before_a_ring_is_heard(door: Door) -> None:
    job_id = door.order()
    expected = "worker.fallback.default_path: no category serves 'fashon'; use one of beauty, eats"
    with pytest.raises(ConfigurationError, match=expected):
        door.tick(fallback={"default_path": "fashon"})
    assert door.let_in() == [job_id]


def test_without_postgresql_a_tick_fails_and_rows_keep_waiting(door: Door) -> None:
    job_id = door.unrung(age=OLD)
    with reserved_port() as port:
        engine = connect(f"postgresql://127.0.0.1:{port}/quel")
        cut_off = replace(door, store=JobStore(engine, lease=LEASE, price=20))
        with pytest.raises(Unavailable, match=f"127.0.0.1:{port}"):
            cut_off.tick()
    assert door.let_in() == [job_id]


def test_a_path_that_cannot_be_reserved_keeps_no_other_waiting(
    door: Door, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    waiting = {path: door.unrung(path, age=OLD) for path in ("fashion", "eats", "beauty")}
    impatient = connect(database, statement_timeout=timedelta(milliseconds=100))
    lock = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('quel.reserve/eats', 0))")
    with door.engine.begin() as another:
        another.execute(lock)
        admitted = replace(door, store=JobStore(impatient, lease=LEASE, price=20)).tick()
    impatient.dispose()
    assert ids_of(admitted) == {waiting["fashion"], waiting["beauty"]}
    (warning,) = warnings(caplog)
    assert warning.startswith("eats: no job was let in: ")
    assert door.let_in() == [waiting["eats"]]


def ids_of(reservations: list[Reservation]) -> set[UUID]:
    return {reservation.ticket.job_id for reservation in reservations}
