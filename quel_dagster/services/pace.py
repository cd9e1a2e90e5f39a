"""How many rows a batch takes, so that whoever wants one of them waits a quarter of a second.

Pure arithmetic: the clock is the caller's.
"""

LONGEST = 0.25
"""Seconds that a batch is to take, and so to hold its locks."""


class Pace:
    """The size of the next batch, learnt from how long the last ones took.

    Args:
        most: rows that no batch exceeds.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.size = most

    def took(self, rows: int, seconds: float) -> None:
        """A batch was made. One that was not full says nothing about a fuller one, unless slow."""
        if rows < self.size and seconds < LONGEST:
            return
        fitting = round(rows * LONGEST / max(seconds, 0.001))
        self.size = max(1, min(fitting, 2 * self.size, self._most))

    def failed(self) -> None:
        """A batch was given up: the next one is half as large."""
        self.size = max(1, self.size // 2)
