"""How a run ends that does not reach its end, and what becomes of its attempt.

A failed step tells an operator path, job, step and cause; the hook closes the job or lets it wait
for another attempt, by the error's remedy. A run that is told to stop hands its job back, or closes
it when an operator terminated the run. Dagster's own retries stay out of it.
"""

import random
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Protocol, TypeVar, cast
from uuid import UUID

import dagster as dg

from quel_dagster.environment import Environment, here
from quel_dagster.model.errors import QuelError, Remedy, Unavailable, kind_of
from quel_dagster.model.job import Outcome, Production, Ticket
from quel_dagster.model.settings import Settings
from quel_dagster.pipeline.cancelling import note_flag
from quel_dagster.pipeline.leftovers import take_back
from quel_dagster.pipeline.studio import Studio
from quel_dagster.services.store import JobStore

LONGEST_PAUSE = timedelta(hours=1)
"""Pauses grow no further, unless the first one is longer already."""
MOST_DOUBLINGS = 20
"""Beyond any longest pause, and within what a timedelta holds."""

TERMINATED = frozenset({dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED})
"""Statuses of a run that an operator has terminated, which cancels its job."""
STOPS = (signal.SIGINT, signal.SIGTERM)
"""Signals that Dagster turns into an interrupt."""


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


@dg.failure_hook(required_resource_keys={"store", "settings", "studio"})
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
    told = error.description if isinstance(error, dg.Failure) else None
    message = told or f"{context.job_name} job {ticket.job_id}, step {context.op.name}: {error!r}"
    failure = kind_of(cause_of(error))
    studio: Studio = context.resources.studio
    note_flag(studio, ticket.job_id, context.log.warning)
    remedy = remedy_of(error)
    if is_terminated(context.instance, context.run_id):
        outcome = cancel(store, ticket, context.run_id)
    elif remedy is Remedy.TURN:
        outcome = store.hand_back(ticket, message)
    elif remedy is Remedy.LATER:
        patience = settings.worker.attempts
        pause = growing_pause(patience.backoff, ticket.attempt)
        outcome = store.release(ticket, message, pause=pause, most=patience.max, failure=failure)
    else:
        outcome = store.settle(ticket, Production(stopped=message, failure=failure))
    with suppress(Unavailable):  # the front door finds the place by itself, only later
        studio.queue.tell_of_room()
    context.log.info(f"{context.job_name} job {ticket.job_id}: {outcome.status}")


class Execution(Protocol):
    """What an executor knows of its run."""

    @property
    def job_name(self) -> str:
        """Name of the Dagster job, and so the path."""
        ...

    @property
    def run_id(self) -> str:
        """Of the run."""
        ...

    @property
    def instance(self) -> dg.DagsterInstance:
        """Where the run is kept."""
        ...

    @property
    def log(self) -> dg.DagsterLogManager:
        """The run's log."""
        ...


Run = TypeVar("Run", bound=Execution)
Steps = TypeVar("Steps")
Event = TypeVar("Event")

_IN_PROCESS = cast(  # optional in general, and there for Dagster's own
    "Callable[[dg.InitExecutorContext], dg.Executor]",
    dg.in_process_executor.executor_creation_fn,
)


@dg.executor(name="in_process")
def one_process(context: dg.InitExecutorContext) -> dg.Executor:
    """All steps of a run in its one process, which ends the attempt when it is told to stop."""
    no_retries: Mapping[str, object] = {"retries": {"disabled": {}}}
    executor = _IN_PROCESS(context._replace(executor_config=no_retries))
    executor.execute = attentive(executor.execute)  # pyright: ignore[reportAttributeAccessIssue] - Dagster names its arguments, and calls it by position
    return executor


def attentive(
    execute: Callable[[Run, Steps], Iterator[Event]],
) -> Callable[[Run, Steps], Iterator[Event]]:
    """The same execution; an interrupt, wherever it strikes, ends the attempt at once.

    Dagster turns SIGINT and SIGTERM into an error inside a step and between two steps, and runs no
    hook then.
    """

    def executed(run: Run, steps: Steps) -> Iterator[Event]:
        try:
            yield from execute(run, steps)
        except (dg.DagsterExecutionInterruptedError, KeyboardInterrupt):
            with undisturbed():
                end_interrupted(run, here())
            raise

    return executed


@contextmanager
def undisturbed() -> Generator[None]:
    """Until the block ends, a second wish that the process should stop is not heard."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in STOPS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_interrupted(run: Execution, place: Environment) -> None:
    """Closes the job of a run that an operator terminated, and hands back any other.

    Where PostgreSQL cannot be reached the lease runs out, and the sweep does it.
    """
    try:
        ticket = place.store.ticket_of(run.run_id)
        if ticket is None:
            return
        if is_terminated(run.instance, run.run_id):
            outcome = cancel(place.store, ticket, run.run_id)
            take_back(place.store, place.backends, ticket.job_id)
        else:
            outcome = place.store.hand_back(
                ticket, f"attempt {ticket.attempt} was interrupted: its process was told to stop"
            )
    except QuelError as error:
        run.log.warning(f"{run.job_name} run: its job was not handed back: {error}")
    else:
        run.log.info(f"{run.job_name} job {ticket.job_id}: interrupted, {outcome.status}")


def is_terminated(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether an operator has terminated a run; its process may be told in many ways."""
    run = instance.get_run_by_id(run_id)
    return run is not None and run.status in TERMINATED


def cancel(store: JobStore, ticket: Ticket, run_id: str) -> Outcome:
    """Closes a job because its run was terminated. What is delivered stays, and stays charged."""
    return store.settle(ticket, Production(cancelled=True, stopped=f"run {run_id} was terminated"))


def remedy_of(error: BaseException | None) -> Remedy:
    """What another attempt would help; an error that nobody foresaw may be a passing one."""
    cause = cause_of(error)
    return cause.remedy if isinstance(cause, QuelError) else Remedy.LATER


def cause_of(error: BaseException | None) -> BaseException | None:
    """What a step failed over, without the sentence that Dagster was told."""
    return error.__cause__ if isinstance(error, dg.Failure) else error


def growing_pause(first: timedelta, attempt: int) -> timedelta:
    """Doubles with every attempt, spread by a fifth so that jobs do not come back all at once."""
    doublings = min(attempt - 1, MOST_DOUBLINGS)
    return min(first * 2**doublings, max(first, LONGEST_PAUSE)) * random.uniform(0.8, 1.2)  # noqa: S311 - spreads, hides nothing
