"""The back door: attempts and runs that do not end by themselves.

How an attempt ends whose process still listens is in `pipeline.failures`. Here are the others:
killed, never begun, or terminated by an operator. The lease in the store tells who is alive;
Dagster is asked only which reservation has a run to come, and which run was terminated.
"""

import logging
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import dagster as dg

from quel_dagster.model.job import Outcome
from quel_dagster.model.settings import Settings, WorkerSettings
from quel_dagster.model.status import Phase
from quel_dagster.pipeline.failures import growing_pause
from quel_dagster.pipeline.leftovers import take_back
from quel_dagster.pipeline.runs import COMING, DagsterRuns, Run, Status
from quel_dagster.services.comfyui.backends import Backends
from quel_dagster.services.lapses import Holder
from quel_dagster.services.store import JobStore

BATCH = 100
"""Attempts and runs that one sweep looks at: it costs a few statements, whatever the backlog."""
EVERY = 5
"""Seconds between two sweeps, so that terminating a queued run cancels its job within ten."""
ENDED = "attempts and runs that were ended"


class Runs(Protocol):
    """What a sweep asks Dagster, and tells it."""

    def of(self, job_ids: Collection[UUID]) -> Sequence[Run]:
        """Every run that was ever asked for by one of these jobs."""
        ...

    def unfinished(self, most: int) -> Sequence[Run]:
        """Runs of jobs that have not ended, the oldest first."""
        ...

    def step(self, run: Run) -> str:
        """The step that a run began last; empty when it began none."""
        ...

    def close(self, run: Run, why: str) -> None:
        """Marks a run as failed, or as canceled where that was asked for, unless it has ended."""
        ...


class Verdict(StrEnum):
    """What becomes of an attempt that holds a job."""

    LEAVE = "leave"
    EXTEND = "extend"
    FREE = "free"
    CRASH = "crash"
    CALL_OFF = "call off"


def sweep(
    store: JobStore,
    runs: Runs,
    backends: Backends,
    settings: WorkerSettings,
    log: logging.Logger,
) -> int:
    """Ends the attempts that are dead or terminated, then the runs whose attempt is over.

    Any number may sweep at once: the store looks again before it changes anything. What a job that
    ended with its attempt had in work on ComfyUI is taken back last.

    Returns:
        How many attempts and runs were ended.

    Raises:
        Unavailable: PostgreSQL cannot be reached.
    """
    ended, ends = 0, list[UUID]()
    holders = store.holders(BATCH)
    of_jobs = runs.of({holder.ticket.job_id for holder in holders}) if holders else ()
    for holder in holders:
        own = [run for run in of_jobs if run.ticket == holder.ticket]
        if what := end_attempt(holder, own, store, runs, settings):
            log.warning(what)
            ended += 1
            ends.append(holder.ticket.job_id)
            for run in own:
                runs.close(run, what)
    unfinished = runs.unfinished(BATCH)
    over = store.over({run.ticket for run in unfinished}) if unfinished else ()
    for run in unfinished:
        if run.ticket in over:
            what = f"run {run.id} is closed: its attempt at job {run.ticket.job_id} is over"
            log.warning(what)
            ended += 1
            runs.close(run, what)
    take_back(store, backends, *ends)
    return ended


def end_attempt(
    holder: Holder, own: Sequence[Run], store: JobStore, runs: Runs, settings: WorkerSettings
) -> str | None:
    """Does to an attempt what `judge` says; tells what, if that ended it.

    It does not when another sweep was quicker, or when the attempt has shown a sign of life.
    """
    ticket = holder.ticket
    what = f"{holder.path} job {ticket.job_id}"
    outcome: Outcome | None = None
    match judge(holder, own):
        case Verdict.LEAVE:
            pass
        case Verdict.EXTEND:
            store.extend(ticket)
        case Verdict.FREE:
            if store.free(ticket):
                return f"{what}: no run took up its reservation; it waits again"
        case Verdict.CALL_OFF:
            reason = f"run {', '.join(run.id for run in own)} was terminated"
            what = f"{what}: {reason}"
            outcome = store.call_off(ticket, reason)
        case Verdict.CRASH:
            what = last_words(holder, own, runs)
            patience = settings.attempts
            pause = growing_pause(patience.backoff, ticket.attempt)
            outcome = store.crash(ticket, what, pause=pause, most=patience.max)
    return f"{what}; the job is {outcome.status}" if outcome else None


def judge(holder: Holder, runs: Iterable[Run]) -> Verdict:
    """What becomes of an attempt.

    Args:
        holder: the attempt.
        runs: those with its ticket. Once it is started only the run that opened the job counts.
    """
    statuses = {run.status for run in runs if holder.run_id in {None, run.id}}
    if Status.CANCELED in statuses and not statuses & {*COMING, Status.STARTED}:
        return Verdict.CALL_OFF
    if not holder.has_lapsed:
        return Verdict.LEAVE
    if Status.CANCELING in statuses:
        return Verdict.CALL_OFF
    if holder.phase is Phase.STARTED:
        return Verdict.CRASH
    return Verdict.EXTEND if statuses & COMING else Verdict.FREE


def last_words(holder: Holder, own: Iterable[Run], runs: Runs) -> str:
    """What is known of an attempt that said nothing: path, job, step and cause."""
    job = f"{holder.path} job {holder.ticket.job_id}"
    death = f"attempt {holder.ticket.attempt} ended without a word"
    for run in own:
        if run.id == holder.run_id:
            step = runs.step(run)
            at = f", step {step}" if step else ""
            return f"{job}{at}: {death}; its run {run.id} was {run.status.value}"
    return f"{job}: {death}; its run {holder.run_id} is unknown to Dagster"


@dg.sensor(
    name="sweep",
    description="Ends attempts that died or were terminated: their jobs wait again, or are closed.",
    minimum_interval_seconds=EVERY,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def sweep_sensor(
    context: dg.SensorEvaluationContext,
    store: dg.ResourceParam[JobStore],
    backends: dg.ResourceParam[Backends],
    settings: dg.ResourceParam[Settings],
) -> dg.SkipReason:
    """One sweep; it asks for no run."""
    runs = DagsterRuns(context.instance)
    ended = sweep(store, runs, backends, settings.worker, context.log)
    return dg.SkipReason(f"{ENDED}: {ended}" if ended else "nothing to end")


@dg.op(description="Does once, now, what the sensor `sweep` does by itself.")
def sweep_now(
    context: dg.OpExecutionContext,
    store: dg.ResourceParam[JobStore],
    backends: dg.ResourceParam[Backends],
    settings: dg.ResourceParam[Settings],
) -> None:
    """One sweep."""
    runs = DagsterRuns(context.instance)
    ended = sweep(store, runs, backends, settings.worker, context.log)
    context.log.info(f"{ENDED}: {ended}")


@dg.job(
    description="Frees jobs whose attempt died, as the sensor `sweep` does, by hand and at once.",
    executor_def=dg.in_process_executor,
)
def sweep_once() -> None:
    """The job of one sweep."""
    sweep_now()
