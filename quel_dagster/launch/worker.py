"""One Celery node: processes forked from one that has everything loaded, each executing a run.

What executing a run means stands in `execution`. Here is only how the processes come and go.
"""

import gc
import logging
import os
import signal
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol, cast

import dagster as dg
from celery import signals
from PIL import Image

from quel_dagster.environment import Environment
from quel_dagster.launch.broker import TASK, build_app
from quel_dagster.launch.execution import Executor


@dataclass(frozen=True, kw_only=True)
class Node:
    """What a worker serves, and how.

    Attributes:
        queues: the paths whose runs it executes, and `general` for the others.
        processes: how many runs at once.
        name: of the node; two of one name on one broker confuse Celery's own commands.
        grace: how long a run may go on after SIGTERM before it hands its job back.
        runs: a process is replaced after so many.
        megabytes: and after the run with which it held more memory than this.
        ready: a file that is there while the node takes runs.
    """

    queues: Sequence[str]
    processes: int
    name: str = ""
    grace: timedelta = timedelta(seconds=5)
    runs: int = 500
    megabytes: int = 600
    ready: Path | None = None


class _Pool(Protocol):
    info: dict[str, object]


class _Consumer(Protocol):
    pool: _Pool


def serve(place: Environment, repository: dg.RepositoryDefinition, node: Node) -> int:
    """Executes runs until SIGTERM; returns the exit status.

    After a SIGTERM no run is taken any more; those under way end, or hand their job back when the
    grace is over. A second SIGTERM changes nothing, SIGQUIT stops at once.
    """
    app = build_app(place.broker_url)
    app.task(Executor(place, repository).execute, name=TASK)
    _Attendant(node)
    worker = app.Worker(
        hostname=f"{node.name or 'quel'}@{socket.gethostname()}",
        queues=",".join(node.queues),
        concurrency=node.processes,
        pool="prefork",
        max_tasks_per_child=node.runs,
        max_memory_per_child=node.megabytes * 1024,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        redirect_stdouts=False,
        loglevel=logging.INFO,
        quiet=True,
    )
    share_memory()
    worker.start()
    return cast("int", worker.exitcode or 0)


def share_memory() -> None:
    """Lets the processes that are forked from now on share with this one what it has loaded.

    Celery collects garbage before each fork, and a collection writes to every object it looks at:
    each process would be left with a copy of its own.
    """
    Image.init()  # the decoders, which each process would load for its first picture
    gc.collect()
    gc.freeze()


class _Attendant:
    """Tells when the node is ready, and has it keep to its grace when it is to end."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._pool: _Pool | None = None
        self._close_door()
        signals.worker_ready.connect(self.open_door, weak=False)
        signals.worker_shutting_down.connect(self.end, weak=False)

    def open_door(self, sender: _Consumer, **_: object) -> None:
        """Runs are taken from now on."""
        self._pool = sender.pool
        if self._node.ready:
            self._node.ready.write_text(str(os.getpid()))

    def end(self, **_: object) -> None:
        """No run is taken any more; the grace begins."""
        self._close_door()
        self._wait()

    def _close_door(self) -> None:
        if self._node.ready:
            self._node.ready.unlink(missing_ok=True)

    def _wait(self) -> None:
        timer = threading.Timer(self._node.grace.total_seconds(), self._interrupt)
        timer.daemon = True
        timer.start()

    def _interrupt(self) -> None:
        """Interrupts the runs under way, and once more what the node had taken and begins now."""
        pids = self._pool.info["processes"] if self._pool else []
        for pid in cast("list[int]", pids):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        self._wait()
