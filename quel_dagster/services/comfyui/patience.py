"""How long one prompt is waited for: in time, as long as it shows signs of life, and is wanted.

How its server is asked lies in `rendering`.
"""

import time
from collections.abc import Callable
from enum import StrEnum

from quel_dagster.model.errors import BackendAway, BackendSilent, RenderStopped
from quel_dagster.services.comfyui.waiting import LONGEST, pauses

STOP_ASKED_EVERY = 1.0
"""Seconds."""


class State(StrEnum):
    """Where a prompt was seen last, in words for a message."""

    SENT = "had not taken the prompt"
    WAITING = "had not begun the prompt"
    RUNNING = "was still at the prompt"


class Patience:
    """With one prompt.

    Args:
        where: the address of its server.
        deadline: seconds for it to begin, and again for it to end: it may have to wait its turn.
        silence: seconds without a sign of it, once there were any.
        should_stop: asked at once, for a wish that crossed the request, then about every second,
            and once more before its server is blamed.
    """

    def __init__(
        self, where: str, deadline: float, silence: float, should_stop: Callable[[], bool]
    ) -> None:
        self._where = where
        self._deadline = deadline
        self._ends = time.monotonic() + deadline
        self._has_begun = False
        self._silence = silence
        self._quiet = _Quiet()
        self._should_stop = should_stop
        self._ask_at = time.monotonic()
        self._pauses = pauses()

    def check(self, state: State, signs: int) -> None:
        """Ends the wait, if it is over.

        Args:
            state: where the prompt was seen just now.
            signs: how often the server has told anything of it; 0 while it cannot be heard.

        Raises:
            BackendSilent: it never began, or its server has told nothing of it for too long.
            BackendAway: it did not end in time, or `should_stop` says so.
            RenderStopped: it is not wanted any more.
        """
        now = time.monotonic()
        if state is State.RUNNING and not self._has_begun:
            self._has_begun = True
            self._ends = now + self._deadline
        fault = self._fault(state, self._quiet.seconds(signs, now), now)
        if fault or now >= self._ask_at:
            self._ask_at = now + STOP_ASKED_EVERY
            if self._should_stop():
                raise RenderStopped
        if fault:
            raise fault

    def pause(self) -> float:
        """Seconds to the next round, never beyond the deadline."""
        return max(0.0, min(next(self._pauses), self._ends - time.monotonic()))

    def _fault(self, state: State, quiet: float, now: float) -> BackendAway | None:
        advice = "see its console, and restart it if it hangs"
        if quiet >= self._silence:
            return BackendSilent(
                f"ComfyUI at {self._where} has told nothing of a prompt that it began for "
                f"{self._silence:g} s; {advice}"
            )
        if now < self._ends:
            return None
        error = BackendSilent if state is State.WAITING else BackendAway
        return error(f"ComfyUI at {self._where} {state} after {self._deadline:g} s; {advice}")


class _Quiet:
    """Counts the seconds in which nothing was heard of a prompt, once it was heard of at all.

    A longer time between two questions counts as the longest pause: it may have been this process
    that slept, and not the server.
    """

    def __init__(self) -> None:
        self._signs = 0
        self._seconds = 0.0
        self._asked_at = time.monotonic()

    def seconds(self, signs: int, now: float) -> float:
        """How long it has lasted; `signs` is what was heard so far."""
        passed, self._asked_at = min(now - self._asked_at, LONGEST), now
        is_quiet = 0 < signs == self._signs
        self._signs = signs
        self._seconds = self._seconds + passed if is_quiet else 0.0
        return self._seconds
