"""The pictures of a job worked on side by side, coming to one end as if one after the other.

How a picture is made, and what its failure means for the job, is decided in `production`.
"""

import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait

from quel_dagster.model.errors import QuelError, Remedy, RenderStopped
from quel_dagster.pipeline.cancelling import Brake


class CalledBack(RenderStopped):
    """Another picture has ended the work of the attempt; this one is not made now."""


class Shift:
    """One attempt's work on its pictures, which begin in slot order.

    Once one of them fails in a way that ends the work, no other is begun. Those in work come to
    their own end, which is what they would have come to before; only where another attempt cannot
    help either are those called back that come after the one that failed.

    Args:
        brake: of the attempt.
        hands: pictures in work at once.
    """

    def __init__(self, brake: Brake, hands: int) -> None:
        self._brake = brake
        self._hands = hands
        self._lock = threading.Lock()
        self._ends: dict[int, BaseException] = {}

    def work(self, tasks: Mapping[int, Callable[[], None]]) -> tuple[int, BaseException] | None:
        """Does the tasks by slot, on a thread each; returns when nobody is at one any more.

        When this thread is interrupted it waits for none of them: they let go within a second or
        two, write nothing more, and leave what they have asked for to the next attempt.

        Returns:
            The slot that ended the work, and how: the one that has lost the job or was cancelled
            with it, else the first in order that had its turn. None when all tasks were done.
        """
        if not tasks:
            return None
        pool = ThreadPoolExecutor(min(self._hands, len(tasks)), "picture")
        try:
            wait([pool.submit(self._do, slot, tasks[slot]) for slot in sorted(tasks)])
        except BaseException:
            self._brake.let_go()
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        ends = [each for each in self._ends.items() if not isinstance(each[1], CalledBack)]
        return min(ends, key=_weight, default=None)

    @property
    def is_over(self) -> bool:
        """Whether a picture has ended the work."""
        return bool(self._ends)

    def is_called_back(self, slot: int) -> bool:
        """Whether a picture in work is needless: one before it has failed for good."""
        with self._lock:
            return any(
                earlier < slot and isinstance(error, QuelError) and error.remedy is Remedy.NONE
                for earlier, error in self._ends.items()
            )

    def _do(self, slot: int, task: Callable[[], None]) -> None:
        """Does a task, and notes how it failed before anybody can take it for done."""
        if self.is_over:
            return
        try:
            task()
        finally:
            if error := sys.exception():
                with self._lock:
                    self._ends[slot] = error


class PictureBrake:
    """Tells when to stop with one picture: as the attempt's brake says, or the shift.

    Every question raises `TicketLost` when the job is another's by now, and `CalledBack` when the
    work is over for this picture.
    """

    def __init__(self, brake: Brake, shift: Shift, slot: int) -> None:
        self._brake = brake
        self._shift = shift
        self._slot = slot

    def check(self) -> None:
        """Stands before a render is begun.

        Raises:
            RenderStopped: nothing more is to be made.
        """
        if self._shift.is_over:
            raise CalledBack
        self._brake.check()

    def is_needless(self) -> bool:
        """Whether to stop looking for a server."""
        if self._shift.is_over:
            raise CalledBack
        return self._brake.is_pulled()

    def is_pulled(self) -> bool:
        """Whether to stop what is being rendered."""
        if self._shift.is_called_back(self._slot):
            raise CalledBack
        return self._brake.is_pulled()


def _weight(end: tuple[int, BaseException]) -> tuple[int, int]:
    """What concerns the job as a whole comes first: it is another's, or cancelled.

    That a picture never had its turn comes last: the attempt counts if anything was tried in vain.
    """
    slot, error = end
    remedy = error.remedy if isinstance(error, QuelError) else Remedy.LATER
    if isinstance(error, RenderStopped):
        return 1, slot
    return {Remedy.YIELD: 0, Remedy.TURN: 3}.get(remedy, 2), slot
