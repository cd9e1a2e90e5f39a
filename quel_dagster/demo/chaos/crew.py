"""The processes of a chaos run: doors that let jobs in, and hands that run them, one run at a time.

Each is a real process that may be killed or stopped at any moment, and nothing is known here of
why. What one does stands in `processes`.
"""

import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from multiprocessing import get_context
from multiprocessing.connection import Connection, Pipe, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Self, TypeAlias, cast

from quel_dagster.demo.chaos.processes import Place, Request, keep_door, make_tables, run_jobs
from quel_dagster.demo.guard import register_process
from quel_dagster.demo.supervisor import REGISTER, StackFailed

FORKSERVER = get_context("forkserver")
FORKSERVER.set_forkserver_preload([keep_door.__module__])

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
        place: where they work.
        doors: how many tick at once, as if there were so many daemons.
        hands: how many are ready at first.
        copies: how often each run request is executed.
    """

    def __init__(self, place: Place, *, doors: int, hands: int, copies: int = 1) -> None:
        self._place = place
        self._doors = doors
        self._hands = hands
        self._copies = copies
        self._members: dict[Channel, Member] = {}
        self._waiting: deque[Request] = deque()
        self._ready = threading.Event()
        self._closed = threading.Event()
        self._foreman = threading.Thread(target=self._work, name="foreman", daemon=True)

    def __enter__(self) -> Self:
        """Begins when all hands are ready.

        Raises:
            StackFailed: they were not in time.
        """
        for _ in range(self._hands):
            self._hire(State.STARTING)
        for _ in range(self._doors):
            self._hire(State.KEEPING_DOOR)
        self._foreman.start()
        if not self._ready.wait(READY_IN):
            self._close()
            raise StackFailed(f"the processes did not begin; see {self._place.log}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    @property
    def is_idle(self) -> bool:
        """Whether no run waits or is being executed."""
        return not self._waiting and not self._count()[State.BUSY]

    def _close(self) -> None:
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

    def _work(self) -> None:
        while not self._closed.is_set():
            ready = wait([*self._members], LOOK_EVERY)
            for member in [m for m in self._members.values() if m.channel in ready]:
                self._hear(member)
            for member in [m for m in self._members.values() if m.state is State.IDLE]:
                self._hand_out(member)
            count = self._count()
            if not count[State.STARTING]:
                self._ready.set()
                if self._waiting:
                    self._hire(State.STARTING)

    def _hear(self, member: Member) -> None:
        """What a member says; one who says nothing any more has died."""
        try:
            message = member.channel.recv()
        except (EOFError, OSError):
            del self._members[member.channel]
            member.channel.close()
            member.process.join()
            is_door = member.state is State.KEEPING_DOOR
            self._hire(State.KEEPING_DOOR if is_door else State.STARTING)
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

    def _hire(self, state: State) -> None:
        ours, theirs = cast("tuple[Channel, Channel]", Pipe())
        work = keep_door if state is State.KEEPING_DOOR else run_jobs
        process = start(work, self._place, theirs)
        theirs.close()
        self._members[ours] = Member(process, ours, state)

    def _count(self) -> Counter[State]:
        return Counter(member.state for member in list(self._members.values()))


def prepare(place: Place) -> None:
    """Makes Dagster's tables, which several processes at once would stumble over.

    Raises:
        StackFailed: that did not succeed.
    """
    process = start(make_tables, place)
    process.join()
    if process.exitcode:
        raise StackFailed(f"Dagster's tables could not be made; see {place.log}")


def start(work: Callable[..., None], place: Place, *given: object) -> BaseProcess:
    """A process that is stopped even when this one is killed outright."""
    process = FORKSERVER.Process(target=work, args=(place, *given))
    process.start()
    register_process(place.home / REGISTER, process.pid or 0, signal.SIGKILL)
    return process
