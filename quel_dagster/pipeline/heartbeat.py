"""Keeps an attempt's lease alive while it works, and tells when the job may be another's by now."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType

from quel_dagster.model.errors import TicketLost, Unavailable
from quel_dagster.model.job import Ticket
from quel_dagster.services.store import JobStore

GOODBYE = 5.0
"""Seconds that leaving waits for a beat in the air. One that comes later still does no harm."""


class Heartbeat:
    """Renews a ticket's lease every third of it, from a thread, inside a `with` block.

    PostgreSQL may be away for a beat or two. When it is away for longer than the lease, the job may
    have been given to another attempt without our hearing of it, and so it counts as lost for good.
    Our own clock tells that, from before the last renewal that succeeded was sent: it errs to our
    cost.

    Args:
        store: where the lease is renewed.
        ticket: of the attempt.
        lease: how long the store counts a silent attempt as alive.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        store: JobStore,
        ticket: Ticket,
        lease: timedelta,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._ticket = ticket
        self._lease = lease.total_seconds()
        self._clock = clock
        self._ends = clock()
        self._lost: TicketLost | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> "Heartbeat":
        """Begins with a sign of life.

        Raises:
            TicketLost: the job is lost already.
            Unavailable: PostgreSQL cannot be reached.
        """
        self._renew()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(GOODBYE)

    @property
    def is_lost(self) -> bool:
        """Whether this attempt may write nothing more: another has the job, or may have it."""
        return self._lost is not None or self._clock() >= self._ends

    def check(self) -> None:
        """Ends the attempt when it is lost.

        Raises:
            TicketLost: says who has the job, or that nobody knows.
        """
        if self._lost is not None:
            raise self._lost
        if self.is_lost:
            raise self._lapsed()

    def _renew(self) -> None:
        sent = self._clock()
        self._store.renew(self._ticket)
        self._ends = sent + self._lease

    def _lapsed(self) -> TicketLost:
        return TicketLost(f"the lease could not be renewed for {self._lease:g} s")

    def _beat(self) -> None:
        while not self._stop.wait(self._lease / 3):
            if self.is_lost:
                self._lost = self._lapsed()
                return
            try:
                self._renew()
            except Unavailable:
                continue
            except TicketLost as lost:
                self._lost = lost
                return
