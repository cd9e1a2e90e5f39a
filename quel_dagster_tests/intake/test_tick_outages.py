"""One tick while a server is away or a setting is wrong: what still works, and what is said."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from quel_dagster.demo.parts import reserved_port
from quel_dagster.model.errors import ConfigurationError, Unavailable
from quel_dagster.model.job import Reservation
from quel_dagster.services.database import connect
from quel_dagster.services.queue import JobQueue
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import job_row
from quel_dagster_tests.intake.door import LEASE, Door, warnings

OLD = timedelta(minutes=5)


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
    impatient = connect(database, statement_timeout=timedelta(milliseconds=500))
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
