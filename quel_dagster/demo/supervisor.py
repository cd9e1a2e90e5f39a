"""Runs parts as child processes: start, wait until ready, notice a death, stop them all.

It knows nothing of what the parts do. A guard process stops them when we are killed outright.
"""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType, TracebackType
from typing import Self

from quel_dagster.demo.child import Child, Death, last_words
from quel_dagster.demo.guard import register_process, stop_registered
from quel_dagster.demo.parts import Part, reserved_port
from quel_dagster.model.errors import QuelError

REGISTER = "processes"
"""The file, in the home folder, that names every process which the guard is to stop."""
PAUSE = 0.02
"""Seconds between two readiness checks."""


@dataclass(frozen=True, kw_only=True)
class Stop:
    """A signal asked us to end."""

    signal: signal.Signals

    def __str__(self) -> str:
        return f"stopped by {self.signal.name}"


class StackFailed(QuelError):
    """The stack could not start, or was told to stop while it did."""


class Supervisor:
    """Owns child processes. What was started together is stopped together, the last first."""

    def __init__(self, home: Path, keep_open: Sequence[int] = (), *also_remove: Path) -> None:
        """Stop what an earlier supervisor left running here; nothing is started yet.

        Args:
            home: the folder for the register and, below `log/`, one log file a part.
            keep_open: files (locks) that the guard keeps open until all parts have ended.
            also_remove: files that make sense only while the parts run.
        """
        self._logs = home / "log"
        self._logs.mkdir(parents=True, exist_ok=True)
        self._register = home / REGISTER
        self._running: dict[str, Child] = {}
        self._batches: dict[str, int] = {}
        self._events: SimpleQueue[Child | Stop] = SimpleQueue()
        self._ports = ExitStack()
        stop_registered(self._register)
        self._guard = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "quel_dagster.demo.guard", self._register, *also_remove],
            stdin=subprocess.PIPE,
            start_new_session=True,
            pass_fds=keep_open,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def process_ids(self) -> dict[str, int]:
        """The process id of every part that was started and not yet stopped."""
        return {name: child.pid for name, child in self._running.items()}

    def port(self, *preferred: int) -> int:
        """A TCP port that is ours until `close`: the first free of `preferred`, else any."""
        return self._ports.enter_context(reserved_port(*preferred))

    def start(self, *parts: Part) -> None:
        """Start `parts` side by side and wait until all of them serve.

        Raises:
            StackFailed: one ended or missed its deadline, or a signal came.
        """
        with self.signals_as_events():
            self.launch(*parts)
            self.wait_ready(*parts)

    def launch(self, *parts: Part) -> None:
        """Start `parts` and return at once."""
        batch = max(self._batches.values(), default=0) + 1
        with self.signals_as_events():  # also gives children back a SIGINT that we ignore
            for part in parts:
                child = Child(part, self._logs / f"{part.name}.log", self._events.put)
                self._running[part.name] = child
                self._batches[part.name] = batch
                register_process(self._register, child.pid, part.stop_signal)

    def wait_ready(self, *parts: Part) -> None:
        """Wait until each of `parts` serves, with the errors of `start`."""
        with self.signals_as_events():
            for part in parts:
                self._wait_ready(part)

    def wait(self, timeout: float | None = None) -> Death | Stop | None:
        """Wait until a part ends by itself or a signal asks us to end; None when neither came."""
        with self.signals_as_events():
            return self._next_event(timeout)

    def kill(self, name: str) -> None:
        """Kill a part and everything it started, as a power cut would."""
        self._running[name].kill()

    def restart(self, name: str) -> None:
        """Stop a part if it still runs, start it again and wait until it serves."""
        part = self._running[name].part
        self.stop(name)
        self.start(part)

    def stop(self, *names: str) -> None:
        """Stop parts side by side, politely, then not so politely."""
        children = [self._running.pop(name) for name in names]
        for child in children:
            child.ask_to_end()
        for child in children:
            child.see_to_its_end()

    def close(self) -> None:
        """Stop all parts. A signal that comes meanwhile changes nothing."""
        with self.signals_as_events():
            for _, batch in groupby(reversed(list(self._running)), self._batches.__getitem__):
                self.stop(*batch)
            self._ports.close()
            self._guard.communicate()  # it finds nothing left to stop

    def _wait_ready(self, part: Part) -> None:
        deadline = time.monotonic() + part.deadline
        while not part.ready():
            if event := self._next_event(PAUSE):
                raise StackFailed(str(event))
            if time.monotonic() > deadline:
                words = last_words(self._running[part.name].log)
                raise StackFailed(f"{part.name} did not serve within {part.deadline:g} s; {words}")

    def _next_event(self, timeout: float | None) -> Death | Stop | None:
        with suppress(Empty):
            match self._events.get(timeout=timeout):
                case Stop() as stop:
                    return stop
                case child if child in self._running.values():
                    return child.death
                case _:  # we stopped it ourselves
                    return self._next_event(timeout)
        return None

    @contextmanager
    def signals_as_events(self) -> Generator[None]:
        """A signal inside the block is an event for `wait` and interrupts nothing half done.

        Every call that starts, waits or stops has such a block; a program that does more between
        them puts one around it all.
        """

        def note(number: int, _frame: FrameType | None) -> None:
            self._events.put(Stop(signal=signal.Signals(number)))

        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may handle signals
            return
        stops = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, note) for number in stops}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
