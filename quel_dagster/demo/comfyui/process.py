"""A stand-in as a child process: start it, break it, bring it back.

For tests and for chaos runs; what the child does is not here.
"""

import selectors
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from ssl import PROTOCOL_TLS_CLIENT, SSLContext
from types import TracebackType
from typing import IO, Self, cast
from urllib.parse import urlsplit

import httpx

from quel_dagster.demo.comfyui.wire import Json

START_SECONDS = 30.0
STOP_SECONDS = 10.0
NO_CERTIFICATES = SSLContext(PROTOCOL_TLS_CLIENT)
"""The address is plain HTTP: loading the usual certificates would only take 0.1 s each time."""


class ComfyUIProcess:
    """One stand-in in a process of its own; as a context manager it starts and stops.

    The child binds a free port itself and tells it, so no port is ever guessed. After `kill` or
    `stop`, `start` brings it back at the same address, with an empty queue and history, as any
    restarted ComfyUI comes back.

    Args:
        data: the folder for its files, which survive a restart; None takes a temporary one.
        seconds: how long a render takes.
        name: what it calls its device.
        models: model names it accepts besides the usual ones.
        port: 0 takes a free one at the first start.
    """

    def __init__(
        self,
        *,
        data: Path | None = None,
        seconds: float = 1.5,
        name: str = "stand-in",
        models: Sequence[str] = (),
        port: int = 0,
    ) -> None:
        self._options = ["--seconds", str(seconds), "--name", name]
        self._options += ["--data", str(data)] if data else []
        self._options += [part for model in models for part in ("--model", model)]
        self._port = port
        self._child: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Its address, the same for all of its lives."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def alive(self) -> bool:
        """Whether the process is there."""
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        """Start the process and wait until it answers; one that still runs is stopped first.

        Raises:
            TimeoutError: it did not come up; what it had to say stands on standard error.
        """
        self.stop()
        command = [sys.executable, "-m", "quel_dagster.demo.comfyui", "--port", str(self._port)]
        child = subprocess.Popen(  # noqa: S603 - our own module, our own options
            [*command, *self._options], stdout=subprocess.PIPE, text=True
        )
        self._child = child
        address = _first_line(cast("IO[str]", child.stdout), START_SECONDS)
        if not address:
            self.kill()
            raise TimeoutError("the ComfyUI stand-in did not come up")
        self._port = urlsplit(address).port or self._port

    def stop(self) -> None:
        """End the process; what runs and waits is lost. Harmless when it has ended."""
        if self._child is not None:
            self._child.terminate()
            self._bury(self._child)

    def kill(self) -> None:
        """End the process at once, as a power cut does."""
        if self._child is not None:
            self._child.kill()
            self._bury(self._child)

    def wait_until_dead(self, seconds: float = STOP_SECONDS) -> None:
        """Wait for the process to end by itself, as the fault `die` makes it.

        Raises:
            TimeoutExpired: it is still there.
        """
        if self._child is not None:
            self._child.wait(seconds)
            self._bury(self._child)

    def faults(self, **switches: object) -> None:
        """Turn on these switches and turn off all others; see `faults.Faults`.

        For example `faults(fail_renders={"times": 1}, silent_websocket=True)`; `faults()` turns
        everything off.

        Raises:
            HTTPStatusError: there is no such switch.
        """
        with self._client() as client:
            client.post("/stand-in/faults", json=switches).raise_for_status()

    def log(self) -> list[Json]:
        """The prompts this life began to execute, oldest first; see `control_routes.get_log`."""
        with self._client() as client:
            return cast("list[Json]", client.get("/stand-in/log").raise_for_status().json())

    def _client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, trust_env=False, verify=NO_CERTIFICATES)

    def _bury(self, child: subprocess.Popen[str]) -> None:
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        cast("IO[str]", child.stdout).close()
        self._child = None


def _first_line(stream: IO[str], seconds: float) -> str:
    """The first line of a stream; empty when it ends or says nothing in time."""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        return stream.readline().strip() if selector.select(seconds) else ""
