"""Stops what a killed supervisor left running: at once, by a process that outlives it, or later.

The supervisor notes every process in a register, a file. Run as
`python -m quel_dagster.demo.guard REGISTER [FILE ...]` with a pipe from the supervisor as its
input, this module acts when the pipe closes.
"""

import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

GRACE = 10.0
"""Seconds a process has to end after its stop signal before it is killed."""


def register_process(register: Path, pid: int, stop_signal: signal.Signals) -> None:
    """Note a process that leads a group of its own, and the signal that asks it to end."""
    with register.open("a") as file, suppress(psutil.NoSuchProcess):
        file.write(f"{pid} {stop_signal.value} {psutil.Process(pid).create_time()}\n")


def stop_registered(register: Path) -> None:
    """Stop every process of the register that still runs, then forget them.

    A process that merely has the same number, and was born at another time, is left alone.
    """
    if not register.exists():
        return
    family: list[psutil.Process] = []
    for line in register.read_text().splitlines():
        pid, number, born = line.split()
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(int(pid))
            if process.create_time() == float(born):
                family += [process, *process.children(recursive=True)]
                process.send_signal(int(number))
    for process in still_running(family, GRACE):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    register.unlink()


def still_running(processes: Sequence[psutil.Process], timeout: float) -> list[psutil.Process]:
    """Wait until all `processes` have ended, `timeout` seconds at most, and return the others.

    A zombie has ended. It may stay for long: who reaps what a killed parent left differs.
    """
    deadline = time.monotonic() + timeout
    while alive := [process for process in processes if _runs(process)]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)  # they are not our children: nothing tells us when they end
    return alive


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def main() -> None:
    """Wait until the supervisor is gone, stop what it left and remove the given files."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    register, *files = map(Path, sys.argv[1:])
    sys.stdin.buffer.read()
    stop_registered(register)
    for file in files:
        file.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
