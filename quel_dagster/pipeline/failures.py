"""How a job's error becomes a failed step, and what becomes of the attempt.

The step tells an operator path, job, step and cause; the hook closes the job or lets it wait for
another attempt, by the error's remedy. Dagster's own retries stay out of it.
"""

import random
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import dagster as dg

from quel_dagster.model.errors import QuelError, Remedy
from quel_dagster.model.job import Production
from quel_dagster.model.settings import Settings
from quel_dagster.services.store import JobStore

LONGEST_PAUSE = timedelta(hours=1)
"""Pauses grow no further, unless the first one is longer already."""
MOST_DOUBLINGS = 20
"""Beyond any longest pause, and within what a timedelta holds."""


@contextmanager
def step(context: dg.OpExecutionContext, path: str, job_id: UUID) -> Generator[None]:
    """Fails the step with one sentence when the job's work fails inside the block.

    Raises:
        dagster.Failure: in place of any `QuelError`, which stays its cause.
    """
    try:
        yield
    except QuelError as error:
        raise dg.Failure(
            description=f"{path} job {job_id}, step {context.op.name}: {error}",
            allow_retries=False,
        ) from error


@dg.failure_hook(required_resource_keys={"store", "settings"})
def end_attempt(context: dg.HookContext) -> None:
    """Ends the attempt of a failed run at once: its job is closed, or waits for the next attempt.

    Does nothing when the run holds no job: it never opened one, lost it, or has closed it itself.
    """
    store: JobStore = context.resources.store
    settings: Settings = context.resources.settings
    ticket = store.ticket_of(context.run_id)
    if ticket is None:
        return
    error = context.op_exception
    message = (error.description if isinstance(error, dg.Failure) else None) or repr(error)
    if remedy_of(error) is Remedy.LATER:
        patience = settings.worker.attempts
        pause = growing_pause(patience.backoff, ticket.attempt)
        outcome = store.release(ticket, message, pause=pause, most=patience.max)
    else:
        outcome = store.settle(ticket, Production(stopped=message))
    context.log.info(f"{context.job_name} job {ticket.job_id}: {outcome.status}")


def remedy_of(error: BaseException | None) -> Remedy:
    """What another attempt would help; an error that nobody foresaw may be a passing one."""
    cause = error.__cause__ if isinstance(error, dg.Failure) else error
    return cause.remedy if isinstance(cause, QuelError) else Remedy.LATER


def growing_pause(first: timedelta, attempt: int) -> timedelta:
    """Doubles with every attempt, spread by a fifth so that jobs do not come back all at once."""
    doublings = min(attempt - 1, MOST_DOUBLINGS)
    return min(first * 2**doublings, max(first, LONGEST_PAUSE)) * random.uniform(0.8, 1.2)  # noqa: S311 - spreads, hides nothing
