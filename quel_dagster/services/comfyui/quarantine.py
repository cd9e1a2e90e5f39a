"""Servers that take prompts and do nothing: kept from work, and tried until they render again.

All processes share what is known of them (`services.backend_book`); any of them tries.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from quel_dagster.model.errors import Unavailable
from quel_dagster.services.backend_book import BackendBook, BackendState
from quel_dagster.services.comfyui.canary import sings

LOOK_EVERY = 1.0
"""Seconds for which what was read counts as what is known."""

Try = Callable[[str, Callable[[], bool]], bool]
"""Whether a server renders, told by trying; ends early when asked to."""


class Quarantine:
    """What one process knows of the servers in quarantine. Safe for threads.

    Args:
        book: what all processes know.
        clock: monotonic seconds.
        sings: tries a server.
    """

    def __init__(
        self,
        book: BackendBook,
        clock: Callable[[], float] = time.monotonic,
        sings: Try = sings,
    ) -> None:
        self._book = book
        self._clock = clock
        self._sings = sings
        self._lock = threading.Lock()
        self._known: dict[str, BackendState] = {}
        self._look_at = clock()
        self._closing = threading.Event()
        self._trials: list[threading.Thread] = []

    def reason(self, url: str) -> str | None:
        """Why a server is in quarantine; None when it is not.

        While PostgreSQL is away, what was known last.
        """
        with self._lock:
            if self._clock() >= self._look_at:
                self._look_at = self._clock() + LOOK_EVERY
                with suppress(Unavailable):
                    self._known = self._book.states()
            state = self._known.get(url)
        if state is None or not state.is_quarantined:
            return None
        return f"{url} is in quarantine since {state.since:%Y-%m-%d %H:%M %Z}: {state.reason}"

    def impose(self, url: str, reason: str) -> None:
        """Puts a server into quarantine.

        Raises:
            Unavailable: PostgreSQL cannot be reached.
        """
        self._book.quarantine(url, reason)
        self._look_again()

    def try_if_due(self, url: str, address: str) -> None:
        """Tries a server, on a thread of its own, unless somebody did so a short while ago.

        Args:
            url: what it is known by.
            address: where it is reached.

        Raises:
            Unavailable: PostgreSQL cannot be reached.
        """
        with self._lock:
            state = self._known.get(url)
        if state is None or not state.is_due or not self._book.begin_trial(url):
            return
        trial = threading.Thread(
            target=self._try, args=(url, address), name="comfyui-trial", daemon=True
        )
        with self._lock:
            self._trials = [each for each in self._trials if each.is_alive()]
            self._trials.append(trial)
            trial.start()

    def close(self) -> None:
        """Ends the trials."""
        self._closing.set()
        for trial in self._trials:
            trial.join()

    def _try(self, url: str, address: str) -> None:
        with suppress(Unavailable):
            if self._sings(address, self._closing.is_set):
                self._book.release(url)
                self._look_again()

    def _look_again(self) -> None:
        with self._lock:
            self._look_at = self._clock()
