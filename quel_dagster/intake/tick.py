"""One tick of the front door: ring, look, cancel, route, reserve. No Dagster here.

PostgreSQL decides; Redis only says sooner which rows to look at.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from quel_dagster.intake.routing import Decision, Leave, Refuse, Start, route
from quel_dagster.model.cancellation import Answer
from quel_dagster.model.errors import ConfigurationError, Unavailable
from quel_dagster.model.job import Reservation, WaitingRow
from quel_dagster.model.settings import WorkerSettings
from quel_dagster.model.status import JobStatus
from quel_dagster.services.counters import Count, Counter
from quel_dagster.services.queue import JobQueue, Ring
from quel_dagster.services.store import JobStore

RINGS_PER_TICK = 200
ROWS_PER_PATH = 50
CANCELS_PER_TICK = 100
"""Bounds of one tick's work, so that its cost does not depend on the backlog."""


class Tick:
    """The front door, opened once by `let_in`.

    Args:
        queue: the doorbell.
        store: the truth.
        settings: paths, limits, patience.
        limits: each path that has a category, with how many of its jobs may run at once; asked
            anew when the wait for a ring is over.
        log: where the tick tells what it did.

    Raises:
        ConfigurationError: no category serves the fallback; its jobs could never become runs.
    """

    def __init__(
        self,
        queue: JobQueue,
        store: JobStore,
        settings: WorkerSettings,
        limits: Callable[[], Mapping[str, int]],
        log: logging.Logger,
    ) -> None:
        self._limits = limits
        self._served = limits()
        fallback = settings.fallback.default_path
        if fallback not in self._served:
            raise ConfigurationError(
                f"worker.fallback.default_path: no category serves {fallback!r}; "
                f"use one of {', '.join(sorted(self._served))}"
            )
        self._queue = queue
        self._store = store
        self._settings = settings
        self._log = log

    def let_in(self) -> list[Reservation]:
        """The jobs that may start now, each with a fresh ticket.

        Raises:
            Unavailable: PostgreSQL cannot be reached. The rows keep waiting.
        """
        ring, flagged = self._listen()
        self._served = self._limits()
        named = [*ring.job_ids, *flagged.difference(ring.job_ids)]
        rows = self._store.look(named, self._settings.pending.grace, ROWS_PER_PATH)
        self._report_unknown(ring, {row.job_id for row in rows})
        self._cancel([row for row in rows if row.job_id in flagged])
        admitted = self._admit([row for row in rows if row.job_id not in flagged])
        reservations = [
            reservation
            for path, candidates in admitted.items()
            for reservation in self._reserve(path, candidates)
        ]
        reserved = {reservation.ticket.job_id for reservation in reservations}
        lost = {row.job_id for row in rows if row.needs_ring} - reserved
        candidates = [job_id for found in admitted.values() for job_id, _ in found]
        self._ring_again([each for each in candidates if each in lost])
        self._count_dropped(ring, rows)
        return reservations

    def _admit(self, rows: Sequence[WaitingRow]) -> dict[str, list[tuple[UUID, str | None]]]:
        """The rows that may run, by the path that serves them; others are refused or left alone."""
        admitted: dict[str, list[tuple[UUID, str | None]]] = defaultdict(list)
        for row in rows:
            match route(row, self._served, self._settings):
                case Start(path=path, requested=requested):
                    admitted[path].append((row.job_id, requested))
                case Refuse(reason=reason):
                    self._refuse(row, reason)
                case Leave(reason=reason):
                    if row.rung:
                        self._log.info("job %s is left alone: %s", row.job_id, reason)
        return admitted

    def _ring_again(self, job_ids: Sequence[UUID]) -> None:
        """Keeps the ring of jobs that found their path full until they are old enough to be found.

        Without it they would miss the room that a job makes which ends in the next seconds.
        """
        try:
            for job_id in job_ids:
                self._queue.ring(job_id)
        except Unavailable as error:
            self._log.warning("%s; jobs without room are looked at again later", error)

    def _listen(self) -> tuple[Ring, set[UUID]]:
        """What was rung for, and the jobs flagged to be cancelled as far as this tick finds them.

        Without Redis waiting rows are still found, only later.
        """
        ring = Ring()
        try:
            ring = self._queue.drain(RINGS_PER_TICK, self._settings.redis.timeout)
            return ring, self._queue.flagged()
        except Unavailable as error:
            self._log.warning(
                "%s; no cancel flag is seen, and waiting rows are served without a ring", error
            )
            return ring, set()

    def _cancel(self, rows: Sequence[WaitingRow]) -> None:
        """Honours flags, and takes them away so that the same ids can be ordered again.

        Those that wait come first, for a run reads its flag itself. What another system serves, and
        what has no row, keeps its flag.
        """
        ours = [
            row.job_id
            for row in sorted(rows, key=lambda row: row.status != JobStatus.PENDING)
            if not isinstance(self._route_if_it_waited(row), Leave)
        ]
        for job_id in ours[:CANCELS_PER_TICK]:
            try:
                self._honour(job_id)
            except Unavailable as error:
                self._log.warning("the cancel flag of job %s stays for now: %s", job_id, error)

    def _route_if_it_waited(self, row: WaitingRow) -> Decision:
        return route(replace(row, status=JobStatus.PENDING), self._served, self._settings)

    def _honour(self, job_id: UUID) -> None:
        found = self._store.cancel(job_id)
        match found.answer:
            case Answer.CANCELLED:
                self._log.info("job %s was cancelled while it waited: %s", job_id, found.status)
            case Answer.STOPPING:
                self._log.info("job %s was cancelled: its run is to stop", job_id)
            case Answer.FINAL:
                self._log.info("job %s is %s already: its cancel flag goes", job_id, found.status)
            case Answer.ELSEWHERE | Answer.UNKNOWN:
                return
        self._queue.clear_cancel(job_id)

    def _report_unknown(self, ring: Ring, known: Collection[UUID]) -> None:
        unknown = [str(job_id) for job_id in ring.job_ids if job_id not in known]
        if unknown:
            self._log.warning(
                "%d rung ids have no row in quel_production_jobs: %s",
                len(unknown),
                ", ".join(unknown),
            )
        for payload in ring.unreadable:
            self._log.warning("a ring that is no job id was dropped: %r", payload)

    def _count_dropped(self, ring: Ring, rows: Sequence[WaitingRow]) -> None:
        """Counts the rings that nothing follows. For want of a count no tick fails."""
        statuses = {row.job_id: row.status for row in rows}
        known = [statuses[job_id] for job_id in ring.job_ids if job_id in statuses]
        dropped = {
            "repeated": ring.repeats,
            "not_waiting": sum(status != JobStatus.PENDING for status in known),
            "unknown": len(ring.job_ids) - len(known),
            "unreadable": len(ring.unreadable),
        }
        counts = [
            Count(name=Counter.RING_DROPPED, kind=kind, n=n) for kind, n in dropped.items() if n
        ]
        try:
            self._store.counters.add(*counts)
        except Unavailable as error:
            self._log.warning("%s; rings that were dropped are not counted", error)

    def _refuse(self, row: WaitingRow, reason: str) -> None:
        if self._store.refuse(row.job_id, reason):
            self._log.warning("%s job %s is refused: %s", row.path, row.job_id, reason)

    def _reserve(
        self, path: str, candidates: Sequence[tuple[UUID, str | None]]
    ) -> list[Reservation]:
        """A path that fails here keeps its rows waiting; what others reserved is still started."""
        try:
            reservations = self._store.reserve(path, candidates, self._served[path])
        except Unavailable as error:
            self._log.warning("%s: no job was let in: %s", path, error)
            return []
        for reservation in reservations:
            if reservation.requested_path:
                self._log.warning(
                    "job %s asked for path %r; %s serves it",
                    reservation.ticket.job_id,
                    reservation.requested_path,
                    path,
                )
        return reservations
