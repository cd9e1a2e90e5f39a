"""How this package waits: ever longer, never for ever. What it waits for is not decided here."""

from collections.abc import Iterator

SHORTEST = 0.25
LONGEST = 1.0
"""Seconds between two questions to a server. One takes 5 ms; a wish to stop waits as long."""


def pauses() -> Iterator[float]:
    """Endless pauses that double from the shortest to the longest, in seconds."""
    pause = SHORTEST
    while True:
        yield pause
        pause = min(pause * 2, LONGEST)


def never() -> bool:
    """Nobody asks to stop."""
    return False
