"""The ComfyUI servers a process may use: which one takes the next picture, which are left alone.

What all processes know of them stands in `services.backend_book`.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from quel_dagster.model.errors import (
    BackendAway,
    BackendsBusy,
    BackendSilent,
    ConfigurationError,
    RenderStopped,
    Unavailable,
)
from quel_dagster.services.backend_book import FULL, BackendBook, BackendState, Look, Seat
from quel_dagster.services.comfyui.address import without_password
from quel_dagster.services.comfyui.quarantine import Quarantine
from quel_dagster.services.comfyui.server import ComfyServer
from quel_dagster.services.comfyui.waiting import never, pauses

SILENCE = 5.0
"""Seconds to wait for any server to answer. After that the job waits, not its process."""
ASKED_AT_ONCE = 8
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 10.0
"""Seconds a server is left alone after a failure; each further one doubles them."""


@dataclass
class _Record:
    """What is held against a server."""

    fault: str = ""
    avoided_until: float = 0.0
    pause: float = FIRST_PAUSE


@dataclass(frozen=True, kw_only=True)
class Health:
    """A server as an operator wants to see it.

    Attributes:
        prompts: those it has, running and waiting, whoever sent them; None when it does not answer.
        places: those that renders of ours hold there.
        state: what is known of it; None where it has never rendered for us.
    """

    url: str
    prompts: int | None
    places: int
    state: BackendState | None

    @property
    def is_quarantined(self) -> bool:
        """Whether it gets no work."""
        return self.state is not None and self.state.is_quarantined


class Backends:
    """The servers by their addresses, in the operator's order. Safe for threads.

    Args:
        addresses: such as `http://host:8188`; a user and password in them are never shown.
        book: what all processes know of them.
        deadline: seconds `pick` may wait for room.
        timeout: seconds for each step of a request.
        clock: monotonic seconds.
        sleep: waits; nothing tells that a server has room again.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        book: BackendBook,
        *,
        deadline: float,
        timeout: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not addresses:
            raise ConfigurationError("COMFYUI_URLS names no ComfyUI server")
        servers = [ComfyServer(address, timeout=timeout) for address in addresses]
        self._servers = {server.url: server for server in servers}
        self._records = {url: _Record() for url in self._servers}
        self._book = book
        self._quarantine = Quarantine(book, clock)
        self._deadline = deadline
        self._clock = clock
        self._sleep = sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends what is tried, and closes every server's connections."""
        self._quarantine.close()
        for server in self._servers.values():
            server.close()

    def by_url(self, url: str) -> ComfyServer | None:
        """The server of an address noted earlier; None when it is no longer configured."""
        return self._servers.get(without_password(url.rstrip("/")))

    def pick(
        self,
        seat: Seat,
        *,
        avoid: str | None = None,
        should_stop: Callable[[], bool] = never,
    ) -> ComfyServer:
        """The healthy server with the fewest prompts that has room, where the render has a place.

        Waits until there is one. Among equals one wins that has the render's model loaded.

        Args:
            seat: the render; `leave` frees its place.
            avoid: the address that is taken only when no other has room.
            should_stop: asked after every look around that found no room.

        Raises:
            BackendsBusy: there was no room in time; names every server and its fault.
            BackendAway: nobody answered for `SILENCE`; names them too.
            RenderStopped: `should_stop` said so.
            Unavailable: PostgreSQL cannot be reached.
        """
        begun = self._clock()
        waits = pauses()
        while True:
            looks = self._looks()
            if any(look.load < FULL for look in looks):
                url = self._book.take(seat, looks, avoid)
                if url is not None:
                    return self._servers[url]
            longest = self._deadline if looks else min(SILENCE, self._deadline)
            left = begun + longest - self._clock()
            if left <= 0:
                kind = BackendsBusy if looks else BackendAway
                raise kind(f"no ComfyUI server had room in {longest:g} s: {self._faults(looks)}")
            if should_stop():
                raise RenderStopped
            self._sleep(min(next(waits), left))

    def keep(self, seat: Seat, server: ComfyServer) -> None:
        """Notes the place of a render that is on a server already, full or not."""
        self._book.keep(seat, server.url)

    def leave(self, seat: Seat, made_on: ComfyServer | None = None) -> None:
        """Frees the place of a render; a server that has made its picture is healthy."""
        if made_on is not None:
            self._records[made_on.url] = _Record()
        self._book.leave(seat, made_on.url if made_on else None)

    def failed(self, server: ComfyServer, error: BackendAway) -> None:
        """Leaves a server alone for a while, the longer the more often it failed in a row.

        One that took a prompt and did nothing is left alone by all, until it renders again.
        """
        record = self._records[server.url]
        record.fault = str(error)
        record.avoided_until = self._clock() + record.pause
        record.pause = min(record.pause * 2, LONGEST_PAUSE)
        if isinstance(error, BackendSilent):
            self._quarantine.impose(server.url, str(error))

    def check(self, server: ComfyServer) -> None:
        """Stands beside a wait for a render; costs a look into the book once a second.

        Raises:
            BackendAway: the server is in quarantine by now; the render must go elsewhere.
        """
        if reason := self._quarantine.reason(server.url):
            raise BackendAway(reason)

    def retry(self) -> list[str]:
        """Tries the servers in quarantine whose time has come; why each of those in it is there.

        Raises:
            Unavailable: PostgreSQL cannot be reached.
        """
        reasons: list[str] = []
        for url, server in self._servers.items():
            if reason := self._quarantine.reason(url):
                reasons.append(reason)
                self._quarantine.try_if_due(url, server.address)
        return reasons

    def health(self) -> list[Health]:
        """Every server as it is now, in the operator's order; changes nothing.

        While PostgreSQL is away, without what only the book knows.
        """
        states: dict[str, BackendState] = {}
        places: dict[str, int] = {}
        with suppress(Unavailable):
            states, places = self._book.states(), self._book.places()
        with ThreadPoolExecutor(min(len(self._servers), ASKED_AT_ONCE)) as threads:
            loads = list(threads.map(_load, self._servers.values()))
        return [
            Health(url=url, prompts=load, places=places.get(url, 0), state=states.get(url))
            for url, load in zip(self._servers, loads, strict=True)
        ]

    def _looks(self) -> list[Look]:
        """Every server with its load, without those that are avoided, sick or do not answer."""
        looks: list[Look] = []
        for url, server in self._servers.items():
            if self._records[url].avoided_until > self._clock():
                continue
            if reason := self._quarantine.reason(url):
                self._records[url].fault = reason
                self._quarantine.try_if_due(url, server.address)
                continue
            try:
                load = server.load()
                lone = server.lone_prompt() if load == 1 else None
            except BackendAway as error:
                self.failed(server, error)
            else:
                looks.append(Look(url=url, load=load, lone=lone))
        return looks

    def _faults(self, looks: Sequence[Look]) -> str:
        full = {look.url: f"{look.url} is full, with {look.load} prompts" for look in looks}
        return " | ".join(full.get(url, record.fault) for url, record in self._records.items())


def _load(server: ComfyServer) -> int | None:
    try:
        return server.load()
    except BackendAway:
        return None
