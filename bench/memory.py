"""Memory of processes, in megabytes: what is theirs alone (USS), and with their share of what
several have together (PSS), which alone may be added up.
"""

import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import median

import psutil

MEGABYTE = 1024 * 1024
EVERY = 0.5
"""Seconds between two looks at the processes of a worker; a look costs milliseconds for each."""
WORKING = 0.01
"""Seconds of CPU between two looks from which on a process counts as busy."""

Megabytes = dict[str, float]


def of_part(process_id: int) -> Megabytes:
    """Of a part with all processes it has started."""
    part = psutil.Process(process_id)
    found = [of_process(each) for each in (part, *part.children(recursive=True))]
    return {kind: round(sum(each[kind] for each in found if each), 1) for kind in ("uss", "pss")}


def of_process(process: psutil.Process) -> Megabytes | None:
    """Of one process; None once it has ended."""
    with suppress(psutil.NoSuchProcess):
        info = process.memory_full_info()
        return {"uss": info.uss / MEGABYTE, "pss": info.pss / MEGABYTE}
    return None


def typical(found: Collection[Megabytes]) -> Megabytes:
    """The median of some processes, and the largest."""
    if not found:
        return {"processes": 0}
    return {
        "processes": len(found),
        "uss": round(median(each["uss"] for each in found), 1),
        "pss": round(median(each["pss"] for each in found), 1),
        "largest_uss": round(max(each["uss"] for each in found), 1),
    }


@dataclass(kw_only=True)
class Pool:
    """The processes of a worker that execute runs, looked at again and again.

    Attributes:
        process_id: of the worker.
        busy: the most that each held while it was at work.
    """

    process_id: int
    busy: dict[int, Megabytes] = field(default_factory=dict[int, Megabytes])
    _cpu: dict[int, float] = field(default_factory=dict[int, float])
    _next: float = 0.0

    def look(self) -> None:
        """Notes what those hold that were at work since the last look, if that was a while ago."""
        if time.monotonic() < self._next:
            return
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                used = times.user + times.system
                before = self._cpu.get(process.pid, used)
                self._cpu[process.pid] = used
                if used - before >= WORKING and (now := of_process(process)):
                    kept = self.busy.get(process.pid, now)
                    self.busy[process.pid] = max(kept, now, key=lambda each: each["uss"])
        self._next = time.monotonic() + EVERY

    def now(self) -> dict[int, Megabytes]:
        """What each holds at this moment."""
        found = {process.pid: of_process(process) for process in self._processes()}
        return {pid: each for pid, each in found.items() if each}

    def states(self, fresh: Mapping[int, Megabytes]) -> dict[str, Megabytes]:
        """A process before its first run, the most it held at work, and at rest after that."""
        rest = self.now()
        return {
            "before_first_run": typical(fresh.values()),
            "busy": typical(self.busy.values()),
            "idle_after": typical([rest[pid] for pid in self.busy.keys() & rest.keys()]),
        }

    def _processes(self) -> list[psutil.Process]:
        return psutil.Process(self.process_id).children()
