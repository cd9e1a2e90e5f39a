"""What a job may still spend on pictures that failed."""

from datetime import timedelta

from quel_dagster.model.job import Spent
from quel_dagster.model.settings import AttemptSettings
from quel_dagster.pipeline.budget import Budget


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def budget(renders: int = 0, time: timedelta = timedelta(0), clock: Clock | None = None) -> Budget:
    """Of three renders in an hour, some of which an earlier attempt has spent."""
    settings = AttemptSettings.model_validate({"renders": 3, "time": "1h"})
    return Budget(settings, Spent(renders=renders, time=time), clock or Clock())


def test_no_more_is_taken_than_there_is() -> None:
    left = budget()
    assert [left.take() for _ in range(5)] == [True, True, True, False, False]


def test_what_earlier_attempts_spent_is_gone() -> None:
    left = budget(renders=2)
    assert [left.take() for _ in range(2)] == [True, False]
    assert not budget(renders=9).take()


def test_nothing_is_taken_when_the_time_is_over() -> None:
    clock = Clock()
    left = budget(time=timedelta(minutes=50), clock=clock)
    clock.now += 599
    assert left.take()
    clock.now += 1
    assert not left.take()
    assert not budget(time=timedelta(hours=2)).take()


def test_it_tells_what_is_left() -> None:
    left = budget(renders=1, time=timedelta(minutes=50))
    assert str(left) == "2 more renders and 0:10:00 are left to the job"
    left.take()
    assert str(left) == "1 more renders and 0:10:00 are left to the job"
    assert str(budget(time=timedelta(days=1))).startswith("3 more renders and 0:00:00 are left")
