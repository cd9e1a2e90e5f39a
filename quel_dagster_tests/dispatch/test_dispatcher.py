"""The process at the door: whom it lets in and when, and how it waits for what is away."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from quel_dagster.dispatch.dispatcher import LONGEST_PAUSE, Dispatcher, growing
from quel_dagster.model.errors import Unavailable
from quel_dagster.services.database import connect
from quel_dagster.services.store import JobStore
from quel_dagster_tests.dispatch.porch import Notes, Porch
from quel_dagster_tests.frail import frail_redis
from quel_dagster_tests.intake.door import LEASE


def serve_until(dispatcher: Dispatcher, done: threading.Event, seconds: float = 20.0) -> None:
    """Serves until something has happened."""
    stop = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        serving = threads.submit(dispatcher.serve, stop)
        happened = done.wait(seconds)
        stop.set()
        dispatcher.wake()
        serving.result(20)
    assert happened


def seconds_of(dispatcher: Dispatcher) -> float:
    began = time.monotonic()
    dispatcher.once()
    return time.monotonic() - began


def test_a_job_that_is_rung_for_is_started_with_its_ticket(porch: Porch) -> None:
    notes = Notes()
    job_id = porch.door.order("eats")
    assert porch.dispatcher(notes).once() == 1
    (reservation,) = notes.started
    assert (reservation.ticket.job_id, reservation.path) == (job_id, "eats")


def test_a_job_that_nobody_rang_for_is_started_by_its_age(porch: Porch) -> None:
    notes = Notes()
    job_id = porch.door.unrung(age=timedelta(minutes=1))
    porch.dispatcher(notes).once()
    assert notes.job_ids == [job_id]


def test_the_next_job_of_a_path_is_started_when_one_ends(porch: Porch) -> None:
    notes = Notes()
    porch.limit("fashion", 1)
    first, second = porch.door.order(), porch.door.order()
    dispatcher = porch.dispatcher(notes, wait="8s")
    dispatcher.once()
    assert notes.job_ids == [first]
    ending = threading.Timer(0.2, porch.finish, [notes.started[0]])
    ending.start()
    while len(notes.started) < 2:
        assert seconds_of(dispatcher) < 5  # well before the wait is over
    ending.join()
    assert notes.job_ids == [first, second]


def test_a_job_without_room_makes_no_busy_loop(porch: Porch) -> None:
    notes = Notes()
    porch.limit("fashion", 0)
    porch.door.order()
    dispatcher = porch.dispatcher(notes, wait="400ms")
    dispatcher.once()  # hears the ring
    assert seconds_of(dispatcher) > 0.35
    assert notes.started == []
    assert porch.door.queue.lengths() == {"quel_jobs_queue": 0, "jobs:queue": 0}


def test_a_start_that_failed_is_made_up_for_with_the_same_ticket(porch: Porch) -> None:
    notes = Notes(fails=1)
    job_id = porch.door.order()
    dispatcher = porch.dispatcher(notes)
    with pytest.raises(Unavailable):
        dispatcher.once()
    assert dispatcher.once() == 1
    (reservation,) = notes.started
    assert reservation.ticket.job_id == job_id
    assert reservation.ticket.attempt == 1


def test_nobody_is_let_in_while_no_run_could_be_started(porch: Porch) -> None:
    notes = Notes(code_is_away=1)
    porch.door.order()
    dispatcher = porch.dispatcher(notes)
    with pytest.raises(Unavailable):
        dispatcher.once()
    assert porch.door.let_in() != []


def test_however_many_doors_no_job_is_started_twice(porch: Porch) -> None:
    """The sensor is one of them: it calls the very same `let_in`."""
    every = [Notes() for _ in range(3)]
    for path in ("fashion", "beauty", "eats"):
        porch.limit(path, 100)
    jobs = {porch.door.order(path) for path in ("fashion", "beauty", "eats") for _ in range(12)}
    for job_id in jobs:
        porch.door.queue.ring(job_id)
    stop = threading.Event()
    with ThreadPoolExecutor(len(every)) as threads:
        serving = [threads.submit(porch.dispatcher(notes).serve, stop) for notes in every]
        deadline = time.monotonic() + 20
        while sum(len(notes.started) for notes in every) < len(jobs):
            assert time.monotonic() < deadline
            porch.door.queue.tell_of_room()
        stop.set()
        for each in serving:
            each.result(20)
    started = [job_id for notes in every for job_id in notes.job_ids]
    assert len(started) == len(jobs)
    assert set(started) == jobs


def test_who_is_told_to_stop_hands_back_the_jobs_that_wait_for_room(porch: Porch) -> None:
    notes = Notes()
    porch.limit("fashion", 0)
    waiting = porch.door.order("fashion")
    heard = threading.Event()
    dispatcher = porch.dispatcher(notes, passed=heard.set)
    dispatcher.once()
    serve_until(dispatcher, heard)
    assert porch.door.queue.drain(10, timedelta(0)).job_ids == (waiting,)


def test_without_postgres_it_waits_says_so_and_keeps_the_ring(
    porch: Porch, caplog: pytest.LogCaptureFixture
) -> None:
    notes = Notes()
    job_id = porch.door.order()
    away = JobStore(connect("postgresql://quel@127.0.0.1:9/quel"), lease=LEASE, price=20)
    passed = threading.Event()
    dispatcher = porch.dispatcher(notes, store=away, passed=passed.set)
    serve_until(dispatcher, passed)
    assert "next try in" in caplog.text
    assert "127.0.0.1:9/quel" in caplog.text
    porch.dispatcher(notes).once()
    assert notes.job_ids == [job_id]


def test_without_redis_it_finds_jobs_by_their_age_waits_and_says_so(
    porch: Porch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    notes = Notes()
    job_id = porch.door.unrung(age=timedelta(minutes=1))
    with frail_redis(tmp_path) as server:
        passed = threading.Event()
        dispatcher = porch.dispatcher(notes, url=server.url, passed=passed.set)
        server.stop()
        serve_until(dispatcher, passed)
    assert notes.job_ids == [job_id]
    assert "next try in" in caplog.text


def test_pauses_grow_up_to_a_bound_and_differ() -> None:
    pauses = [growing(failures).total_seconds() for failures in range(40)]
    assert max(pauses) <= LONGEST_PAUSE
    assert pauses[0] < 0.6 < pauses[4]
    assert len(set(pauses[20:])) > 1
