"""What another attempt would help, and how long the job waits for it."""

from datetime import timedelta

import dagster as dg
import pytest

from quel_dagster.model import errors
from quel_dagster.model.errors import InvalidJob, QuelError, Remedy
from quel_dagster.pipeline.failures import LONGEST_PAUSE, growing_pause, remedy_of

FIRST = timedelta(seconds=30)


def failed_step(cause: BaseException | None) -> dg.Failure:
    """As `step` raises it."""
    failure = dg.Failure(description="a step failed")
    failure.__cause__ = cause
    return failure


@pytest.mark.parametrize(
    ("cause", "remedy"),
    [
        (InvalidJob("prompt", "too long"), Remedy.NONE),
        (errors.ConfigurationError(), Remedy.NONE),
        (errors.NoCredits(), Remedy.NONE),
        (errors.PromptRefused(), Remedy.NONE),
        (errors.RenderStopped(), Remedy.NONE),
        (errors.RenderFailed(), Remedy.SLOT),
        (errors.RenderLost(), Remedy.SLOT),
        (errors.BackendAway(), Remedy.LATER),
        (errors.BackendsBusy(), Remedy.TURN),
        (errors.StorageAway(), Remedy.LATER),
        (errors.Unavailable(), Remedy.LATER),
        (errors.TicketLost(), Remedy.YIELD),
    ],
)
def test_a_failed_step_asks_for_what_its_cause_asks_for(cause: QuelError, remedy: Remedy) -> None:
    assert remedy_of(failed_step(cause)) is remedy
    assert remedy_of(cause) is remedy


@pytest.mark.parametrize(
    "error", [None, ValueError("a bug"), failed_step(None), failed_step(KeyError("a bug"))]
)
def test_an_error_that_nobody_foresaw_is_tried_again_later(error: BaseException | None) -> None:
    assert remedy_of(error) is Remedy.LATER


@pytest.mark.parametrize("attempt", [1, 2, 3, 4])
def test_the_pause_doubles_with_every_attempt_give_or_take_a_fifth(attempt: int) -> None:
    pauses = [growing_pause(FIRST, attempt) / (FIRST * 2 ** (attempt - 1)) for _ in range(200)]
    assert min(pauses) >= 0.8
    assert max(pauses) <= 1.2
    assert max(pauses) - min(pauses) > 0.2


@pytest.mark.parametrize("attempt", [8, 40, 10_000])
def test_the_pause_does_not_grow_beyond_its_bound(attempt: int) -> None:
    assert LONGEST_PAUSE * 0.8 <= growing_pause(FIRST, attempt) <= LONGEST_PAUSE * 1.2


def test_a_longer_first_pause_is_kept() -> None:
    day = timedelta(days=1)
    assert day * 0.8 <= growing_pause(day, 3) <= day * 1.2


def test_no_pause_stays_none() -> None:
    assert growing_pause(timedelta(0), 3) == timedelta(0)
