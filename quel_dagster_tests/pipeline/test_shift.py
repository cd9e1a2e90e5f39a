"""The pictures of a job side by side come to one end, whatever their threads do."""

import threading
from concurrent.futures import Future
from datetime import timedelta
from uuid import uuid4

import pytest

from quel_dagster.model.errors import (
    BackendAway,
    BackendsBusy,
    PromptRefused,
    StorageAway,
    TicketLost,
)
from quel_dagster.pipeline.cancelling import Brake, CancelWish
from quel_dagster.pipeline.shift import Shift
from quel_dagster.services.database import connect
from quel_dagster.services.queue import JobQueue
from quel_dagster.services.store import JobStore


class Watch:
    """A heartbeat that goes on."""

    def check(self) -> None: ...


@pytest.fixture
def shift() -> Shift:
    """Nobody is asked for a wish to cancel: that is for the pictures to do."""
    nowhere = connect("postgresql://127.0.0.1:1/nowhere")
    store = JobStore(nowhere, lease=timedelta(seconds=60), price=20)
    queue = JobQueue("redis://127.0.0.1:1/0", names=("jobs:queue",))
    return Shift(Brake(Watch(), CancelWish(store, queue, uuid4(), print)), hands=2)


def test_pictures_that_were_all_made_end_nothing(shift: Shift) -> None:
    made: list[int] = []
    assert shift.work({slot: lambda slot=slot: made.append(slot) for slot in range(5)}) is None
    assert sorted(made) == [0, 1, 2, 3, 4]


def test_a_failure_counts_although_its_thread_was_held_up_right_after_it(
    shift: Shift, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A future tells those who wait for it that it is done before it calls anybody back."""

    def call_nobody_back(done: Future[None]) -> None: ...

    monkeypatch.setattr(Future, "_invoke_callbacks", call_nobody_back)
    others_are_begun = threading.Event()
    away = BackendAway("nobody is there")

    def fail() -> None:
        assert others_are_begun.wait(30)
        raise away

    assert shift.work({0: fail, 1: others_are_begun.set}) == (0, away)


def test_that_the_job_is_another_s_counts_before_an_earlier_failure(shift: Shift) -> None:
    both_are_begun = threading.Barrier(2, timeout=30)
    refused, lost = PromptRefused("no such class"), TicketLost("taken over")

    def fail(error: Exception) -> None:
        both_are_begun.wait()
        raise error

    assert shift.work({0: lambda: fail(refused), 1: lambda: fail(lost)}) == (1, lost)


def test_that_a_picture_never_had_its_turn_counts_after_any_other_failure(shift: Shift) -> None:
    """Else an attempt that failed would not count, and be repeated for ever."""
    both_are_begun = threading.Barrier(2, timeout=30)
    busy, away = BackendsBusy("all are full"), StorageAway("S3 is away")

    def fail(error: Exception) -> None:
        both_are_begun.wait()
        raise error

    assert shift.work({0: lambda: fail(busy), 1: lambda: fail(away)}) == (1, away)
