"""The folder of an embedded stack: who holds it, and the file that tells where everything is.

What the parts keep in it is their own affair.
"""

import fcntl
import os
import shlex
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil

from quel_dagster.demo.supervisor import StackFailed

PATIENCE = 20.0
"""Seconds the guard of a killed stack may take to stop what is left of it."""


@contextmanager
def held(home: Path) -> Generator[int]:
    """Hold the folder for one stack and yield the lock's file descriptor.

    A descriptor passed to another process holds the folder until both have ended.

    Raises:
        StackFailed: a stack is running there, or there can be no such folder.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StackFailed(f"{home}: {error.strerror}; use another folder") from error
    with (home / "lock").open("a+") as lock:
        _take(lock, home)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield lock.fileno()


def _take(lock: IO[str], home: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not _locked(lock):
        lock.seek(0)
        owner = int(lock.read() or 0)
        if psutil.pid_exists(owner) or time.monotonic() > deadline:
            raise StackFailed(
                f"a stack is already running in {home} (process {owner}); "
                "stop it first or use another folder"
            )
        time.sleep(0.1)  # its owner was killed and its guard is still stopping the parts


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_environ(file: Path, environ: Mapping[str, str]) -> None:
    """Write `KEY=value` lines that a shell can source; nobody else may read the file."""
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text("".join(f"{key}={shlex.quote(value)}\n" for key, value in environ.items()))
