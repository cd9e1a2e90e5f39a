"""The ComfyUI servers a process may use: which one takes the next picture, which are left alone.

Fair shares between processes and models are not weighed here.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from quel_dagster.model.errors import BackendAway, ConfigurationError, RenderStopped
from quel_dagster.services.comfyui.server import ComfyServer
from quel_dagster.services.comfyui.waiting import never, pauses

FULL = 2
"""One running and one waiting: a server that never idles, and a queue that stays ours."""
SILENCE = 5.0
"""Seconds to wait for any server to answer. After that the job waits, not its process."""
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
"""Seconds a server is left alone after a failure; each further one doubles them."""


@dataclass
class _Record:
    """What is held against a server."""

    fault: str = ""
    avoided_until: float = 0.0
    pause: float = FIRST_PAUSE


class Backends:
    """The servers by their addresses, in the operator's order.

    Args:
        urls: addresses such as `http://host:8188`.
        deadline: seconds `pick` may wait for room.
        timeout: seconds for each step of a request.
        clock: monotonic seconds.
        sleep: waits; nothing tells that a server has room again.
    """

    def __init__(
        self,
        urls: Sequence[str],
        *,
        deadline: float,
        timeout: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not urls:
            raise ConfigurationError("COMFYUI_URLS names no ComfyUI server")
        servers = [ComfyServer(url, timeout=timeout) for url in urls]
        self._servers = {server.url: server for server in servers}
        self._records = {url: _Record() for url in self._servers}
        self._deadline = deadline
        self._clock = clock
        self._sleep = sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes every server's connections."""
        for server in self._servers.values():
            server.close()

    def by_url(self, url: str) -> ComfyServer | None:
        """The server of an address noted earlier; None when it is no longer configured."""
        return self._servers.get(url.rstrip("/"))

    def pick(
        self,
        prefer: str | None = None,
        *,
        avoid: str | None = None,
        should_stop: Callable[[], bool] = never,
    ) -> ComfyServer:
        """The server with the fewest prompts that still has room; waits until there is one.

        Args:
            prefer: the address that wins among equals.
            avoid: the address that is taken only when no other has room.
            should_stop: asked after every look around that found no room.

        Raises:
            BackendAway: there was no room in time, or nobody answered for `SILENCE`; names every
                server and its fault.
            RenderStopped: `should_stop` said so.
        """
        begun = self._clock()
        waits = pauses()
        while True:
            loads = self._loads()
            room = [url for url, load in loads.items() if load < FULL]
            if room:
                return self._servers[
                    min(room, key=lambda url: (url == avoid, loads[url], url != prefer))
                ]
            longest = self._deadline if loads else min(SILENCE, self._deadline)
            left = begun + longest - self._clock()
            if left <= 0:
                raise BackendAway(
                    f"no ComfyUI server had room in {longest:g} s: {self._faults(loads)}"
                )
            if should_stop():
                raise RenderStopped
            self._sleep(min(next(waits), left))

    def failed(self, server: ComfyServer, error: BackendAway) -> None:
        """Leaves a server alone for a while, the longer the more often it failed in a row."""
        record = self._records[server.url]
        record.fault = str(error)
        record.avoided_until = self._clock() + record.pause
        record.pause = min(record.pause * 2, LONGEST_PAUSE)

    def worked(self, server: ComfyServer) -> None:
        """Holds nothing against a server any more: it has made a picture."""
        self._records[server.url] = _Record()

    def _loads(self) -> dict[str, int]:
        """How many prompts each server has, without those that are avoided or do not answer."""
        loads: dict[str, int] = {}
        for url, server in self._servers.items():
            if self._records[url].avoided_until <= self._clock():
                try:
                    loads[url] = server.load()
                except BackendAway as error:
                    self.failed(server, error)
        return loads

    def _faults(self, loads: Mapping[str, int]) -> str:
        return " | ".join(
            f"{url} is full, with {loads[url]} prompts" if url in loads else record.fault
            for url, record in self._records.items()
        )
