"""The processes of a chaos run: doors that let jobs in, and hands that run them, one run at a time.

Each is a real process that may be killed or stopped at any moment, and nothing is known here of
why. What one does stands in `processes`.
"""

import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from multiprocessing import get_context
from multiprocessing.connection import Connection, Pipe, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Self, TypeAlias, cast

from quel_dagster.demo.chaos.processes import (
    Place,
    Request,
    keep_door,
    make_tables,
    reserve_at_once,
    run_jobs,
)
from quel_dagster.demo.guard import register_process
from quel_dagster.demo.supervisor import REGISTER, StackFailed

FORKSERVER = get_context("forkserver")
FORKSERVER.set_forkserver_preload(
    [
        "__main__",
        keep_door.__module__,
        # What Dagster and httpx import only when they are used: half a second for each process.
        "dagster_postgres",
        "httpcore",
        "upath.implementations.local",
    ]
)

Channel: TypeAlias = "Connection[Request, Request | None]"

READY_IN = 60.0
"""Seconds until all hands must be ready."""
GRACE = 5.0
"""Seconds a process has to end by itself."""
LOOK_EVERY = 0.2
"""Seconds after which the foreman looks whether he is to stop."""


class State(Enum):
    """What a member is at."""

    KEEPING_DOOR = auto()
    STARTING = auto()
    IDLE = auto()
    BUSY = auto()


@dataclass
class Member:
    """A process and our end of the channel to it."""

    process: BaseProcess
    channel: Channel
    state: State


class Crew:
    """Doors and hands. Whoever dies is replaced; when all hands are busy, one more is hired.

    Args:
        place: where they work, and what they go without.
        hands: how many there are at least.
    """

    def __init__(self, place: Place, *, hands: int = 7) -> None:
        self._place = place
        self._hands = hands
        self._doors = 0
        self._copies = 1
        self._members: dict[Channel, Member] = {}
        self._waiting: deque[Request] = deque()
        self._settled = threading.Event()
        self._closed = threading.Event()
        self._foreman = threading.Thread(target=self._work, name="foreman", daemon=True)

    def __enter__(self) -> Self:
        self._foreman.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Everybody ends: by himself if he has nothing in hand, else at once."""
        self._closed.set()
        self._foreman.join()
        for member in self._members.values():
            member.channel.close()
        deadline = time.monotonic() + GRACE
        for member in self._members.values():
            if member.state is not State.BUSY:
                member.process.join(max(0.0, deadline - time.monotonic()))
            member.process.kill()
            member.process.join()

    @property
    def place(self) -> Place:
        """Where they work, and what they go without."""
        return self._place

    @property
    def is_idle(self) -> bool:
        """Whether no run waits or is being executed."""
        return not self._waiting and not self._all(State.BUSY)

    def arrange(self, *, doors: int, copies: int) -> None:
        """Has so many doors let jobs in, and every run executed so often, once all are ready.

        Raises:
            StackFailed: they were not in time.
        """
        self._doors = doors
        self._copies = copies
        self._settled.clear()
        if not self._settled.wait(READY_IN):
            raise StackFailed(f"the processes did not begin; see {self._place.log}")

    def _work(self) -> None:
        while not self._closed.is_set():
            ready = wait([*self._members], LOOK_EVERY) if self._members else ()
            for member in [m for m in self._members.values() if m.channel in ready]:
                self._hear(member)
            for member in self._all(State.IDLE):
                self._hand_out(member)
            self._staff()

    def _hear(self, member: Member) -> None:
        """What a member says; one who says nothing any more has died."""
        try:
            message = member.channel.recv()
        except (EOFError, OSError):
            self._part_from(member)
            return
        if message is None:
            member.state = State.IDLE
        else:
            self._waiting.extend([message] * self._copies)

    def _hand_out(self, member: Member) -> None:
        if self._waiting:
            member.state = State.BUSY
            with suppress(OSError):  # it has just died, as its channel will tell
                member.channel.send(self._waiting[0])
                self._waiting.popleft()

    def _staff(self) -> None:
        """Hires who is missing and lets go of doors that are too many."""
        doors, starting = self._all(State.KEEPING_DOOR), self._all(State.STARTING)
        hands = len(self._members) - len(doors)
        missing = max(self._hands - hands, len(self._waiting) - len(starting))
        for _ in range(missing):
            self._hire(State.STARTING)
        for _ in range(self._doors - len(doors)):
            self._hire(State.KEEPING_DOOR)
        for member in doors[self._doors :]:
            self._part_from(member)
        if not starting and missing <= 0 and len(doors) == self._doors:
            self._settled.set()

    def _hire(self, state: State) -> None:
        ours, theirs = cast("tuple[Channel, Channel]", Pipe())
        work = keep_door if state is State.KEEPING_DOOR else run_jobs
        process = start(work, self._place, theirs)
        theirs.close()
        self._members[ours] = Member(process, ours, state)

    def _part_from(self, member: Member) -> None:
        del self._members[member.channel]
        member.channel.close()
        member.process.join(GRACE)

    def _all(self, state: State) -> list[Member]:
        return [member for member in list(self._members.values()) if member.state is state]


def prepare(place: Place) -> None:
    """Makes Dagster's tables, which several processes at once would stumble over.

    Raises:
        StackFailed: that did not succeed.
    """
    process = start(make_tables, place)
    process.join()
    if process.exitcode:
        raise StackFailed(f"Dagster's tables could not be made; see {place.log}")


@contextmanager
def reserving_at_once(place: Place, number: int, path: str) -> Generator[None]:
    """So many processes that reserve on a path at the same moment: when the block ends."""
    barrier = FORKSERVER.Barrier(number + 1)
    processes = [start(reserve_at_once, place, barrier, path) for _ in range(number)]
    barrier.wait(READY_IN)
    yield
    barrier.wait(READY_IN)
    for process in processes:
        process.join(READY_IN)


def start(work: Callable[..., None], place: Place, *given: object) -> BaseProcess:
    """A process that is stopped even when this one is killed outright."""
    process = FORKSERVER.Process(target=work, args=(place, *given))
    process.start()
    register_process(place.home / REGISTER, process.pid or 0, signal.SIGKILL)
    return process
