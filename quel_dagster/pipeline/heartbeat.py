"""Keeps an attempt's lease alive while it works, and tells when the job has another attempt."""

import threading
from datetime import timedelta
from types import TracebackType

from quel_dagster.model.errors import TicketLost, Unavailable
from quel_dagster.model.job import Ticket
from quel_dagster.services.store import JobStore


class Heartbeat:
    """Renews a ticket's lease every third of it, from a thread, inside a `with` block.

    PostgreSQL may be away for a beat or two; the lease is the store's clock, not ours, and every
    write shows the ticket, so a heartbeat that stops does no harm beyond losing the job.
    """

    def __init__(self, store: JobStore, ticket: Ticket, lease: timedelta) -> None:
        self._store = store
        self._ticket = ticket
        self._interval = lease.total_seconds() / 3
        self._stop = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def is_lost(self) -> bool:
        """Whether another attempt has taken the job over."""
        return self._lost.is_set()

    def _beat(self) -> None:
        while not self._stop.wait(self._interval):
            try:
                self._store.renew(self._ticket)
            except Unavailable:
                continue
            except TicketLost:
                self._lost.set()
                return
