"""Whether somebody wants a job cancelled, and its last word in the light of that.

No Dagster here. What a cancelled job comes to is decided in the store.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from quel_dagster.model.errors import RenderStopped, TicketLost, Unavailable
from quel_dagster.model.job import Job, Outcome, Production
from quel_dagster.model.status import JobStatus
from quel_dagster.pipeline.studio import Studio, Watch
from quel_dagster.services.queue import JobQueue
from quel_dagster.services.store import JobStore

LEFT_ALONE = 5.0
"""Seconds in which a source that could not be read is not asked in passing: a server that hangs
makes whoever asks wait for its timeout."""


@dataclass(kw_only=True)
class _Source:
    """One place where the wish may be written, and since when it cannot be read."""

    ask: Callable[[UUID], bool]
    fault: str = ""
    ask_at: float = 0.0


class CancelWish:
    """The wish to cancel a job: `quel cancel` writes it to PostgreSQL, the front end to Redis.

    A source that cannot be read has not said no. It is told to the log, asked again later, and
    asked for certain before every write that matters; meanwhile the work goes on. Safe for threads.

    Args:
        store: the wish as `quel cancel` and the front door note it.
        queue: the front end's flag.
        job_id: of the job.
        warn: tells a line to the log.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        store: JobStore,
        queue: JobQueue,
        job_id: UUID,
        warn: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sources = (_Source(ask=store.is_cancel_asked), _Source(ask=queue.is_cancelled))
        self._job_id = job_id
        self._warn = warn
        self._clock = clock
        self._lock = threading.Lock()
        self._uttered = False

    def is_uttered(self, *, in_passing: bool = False) -> bool:
        """Whether a source says so now or has said so before.

        Args:
            in_passing: leaves a source alone that could not be read a moment ago.
        """
        with self._lock:
            if not self._uttered:
                now = self._clock()
                asked = [each for each in self._sources if not in_passing or each.ask_at <= now]
                self._uttered = any(self._says(each) for each in asked)
            return self._uttered

    @property
    def unread(self) -> str:
        """Why the last no is none: what the sources that could not be read said instead."""
        return "; ".join(each.fault for each in self._sources if each.fault)

    def _says(self, source: _Source) -> bool:
        try:
            said = source.ask(self._job_id)
        except Unavailable as error:
            if not source.fault:
                self._warn(f"whether the job was cancelled is not known, and asked again: {error}")
            source.fault = str(error)
            source.ask_at = self._clock() + LEFT_ALONE
            return False
        if source.fault:
            self._warn("whether the job was cancelled can be read again")
        source.fault = ""
        return said


class Brake:
    """Tells an attempt when to stop: its job is cancelled, or another's by now. Safe for threads.

    Both questions raise `TicketLost` in the latter case: a render is then left to whoever has taken
    over, and not cancelled.
    """

    def __init__(self, watch: Watch, wish: CancelWish) -> None:
        self._watch = watch
        self._wish = wish
        self._is_let_go = False

    def let_go(self) -> None:
        """From now on the job is nobody's: this process was told to stop."""
        self._is_let_go = True

    def is_pulled(self) -> bool:
        """Whether to stop, as far as it is known; cheap enough to be asked every second."""
        self._check_hold()
        return self._wish.is_uttered(in_passing=True)

    def check(self) -> None:
        """Stands before a write that matters.

        Whose the job is comes last once more: the process may have slept over the other question.

        Raises:
            RenderStopped: nothing more is to be made.
        """
        self._check_hold()
        if self._wish.is_uttered():
            raise RenderStopped
        self._check_hold()

    def _check_hold(self) -> None:
        self._watch.check()
        if self._is_let_go:
            raise TicketLost("the process was told to stop, and lets go of the job")


def note_flag(studio: Studio, job_id: UUID, warn: Callable[[str], None]) -> None:
    """Notes the front end's flag in the store, where every verb that ends an attempt heeds it."""
    try:
        if studio.queue.is_cancelled(job_id):
            studio.store.cancel(job_id)
    except Unavailable as error:
        warn(f"job {job_id}: whether it was cancelled is not known: {error}")


def settle(
    studio: Studio, job: Job, production: Production, warn: Callable[[str], None]
) -> Outcome:
    """Closes the job, asking a last time whether it was cancelled, and takes the flag away.

    Raises:
        TicketLost: the job belongs to another attempt.
        Unavailable: PostgreSQL cannot be reached.
    """
    wish = CancelWish(studio.store, studio.queue, job.id, warn)
    cancelled = production.cancelled or wish.is_uttered()
    outcome = studio.store.settle(job.ticket, replace(production, cancelled=cancelled))
    if wish.unread and outcome.failed and outcome.status is not JobStatus.USER_CANCELLED:
        warn(
            f"the job ends {outcome.status} with {outcome.failed} pictures missing, and whether it "
            f"was cancelled before could not be read: {wish.unread}"
        )
    try:
        studio.queue.clear_cancel(job.id)
        studio.queue.tell_of_room()
    except Unavailable as error:
        warn(f"a flag that cancels the job may stay until the front door finds it: {error}")
    return outcome
