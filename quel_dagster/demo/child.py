"""One running part: its process, its log file, and how it came to its end.

When to start and when to stop it is the supervisor's decision.
"""

import os
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, Signals
from typing import Self

import psutil

from quel_dagster.demo.guard import GRACE, still_running
from quel_dagster.demo.parts import Part


@dataclass(frozen=True, kw_only=True)
class Death:
    """A part ended by itself. `code` is its exit code, negative for a signal."""

    part: str
    code: int
    log: Path

    def __str__(self) -> str:
        cause = f"exit code {self.code}" if self.code >= 0 else Signals(-self.code).name
        return f"{self.part} ended ({cause}); {last_words(self.log)}"


class Child:
    """A started part, in a session and process group of its own."""

    def __init__(self, part: Part, log: Path, on_end: Callable[[Self], None]) -> None:
        """Start `part`; a thread calls `on_end` as soon as its process has ended."""
        self.part = part
        self.log = log
        self._on_end = on_end
        self._offspring: list[psutil.Process] = []
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - programs of ours
                part.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **part.environ},
                user=part.user,
                start_new_session=True,
            )
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    @property
    def pid(self) -> int:
        """The id of the process, and of its group."""
        return self._process.pid

    @property
    def death(self) -> Death:
        """How the part ended; only for one that has."""
        return Death(part=self.part.name, code=self._process.returncode, log=self.log)

    def ask_to_end(self) -> None:
        """Send the stop signal to the part and to what it started, and return at once."""
        with suppress(psutil.NoSuchProcess):
            self._offspring = psutil.Process(self.pid).children(recursive=True)
        self._signal(self.part.stop_signal)

    def see_to_its_end(self) -> None:
        """Give the part and what it started the time to end, then kill what is left of them."""
        self._watcher.join(GRACE)
        still_running(self._offspring, GRACE)
        self.kill()

    def kill(self) -> None:
        """End the part and everything it started as a power cut would."""
        self._signal(SIGKILL)
        self._watcher.join(GRACE)

    def _signal(self, number: Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def _watch(self) -> None:
        self._process.wait()
        self._on_end(self)


def last_words(log: Path, lines: int = 20) -> str:
    """The end of a log file, announced as such."""
    tail = log.read_text(errors="replace").splitlines()[-lines:]
    return "\n".join([f"last lines of {log}:", *tail])
