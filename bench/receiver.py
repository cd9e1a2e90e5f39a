"""A webhook's receiver for `alerts.py`, with moods: well, unreachable, ill, and lost for an answer.

It notes what it took and when; whether that was right is counted elsewhere.
"""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from threading import Thread


class Mood(StrEnum):
    """How it treats a sender."""

    WELL = "well"
    AWAY = "unreachable"
    ILL = "answers 500"
    MUTE = "takes it, and the answer is lost"


Verify = Callable[[bytes, dict[str, str]], object]
"""Raises where a body and its headers are not signed as they must be."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A message that it took at a moment (in seconds since 1970), and whether it said so."""

    at: float
    said_so: bool
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The same at every try of a message."""
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """What it took, how often it was asked, and since when it has had which mood."""

    verify: Verify
    port: int = 0
    asked: int = 0
    taken: list[Taken] = field(default_factory=list[Taken])
    moods: list[tuple[float, Mood]] = field(default_factory=list[tuple[float, Mood]])
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Where messages are sent."""
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def mood(self) -> Mood:
        """The one it has now."""
        return self.moods[-1][1]

    def turn(self, mood: Mood) -> None:
        """Changes the mood. While it is away, nobody listens at its port."""
        self.moods.append((time.time(), mood))
        if mood is not Mood.AWAY and self._server is None:
            self._server = ThreadingHTTPServer(("127.0.0.1", self.port), handler(self))
            self.port = self._server.server_port
            Thread(target=self._server.serve_forever, daemon=True).start()
        elif mood is Mood.AWAY and self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def live(self, moods: Sequence[tuple[float, Mood]], begin: float) -> None:
        """Goes through moods, each at so many seconds after `begin` (of `time.monotonic`)."""
        for after, mood in moods:
            time.sleep(max(0.0, begin + after - time.monotonic()))
            self.turn(mood)

    def seconds_well(self, since: float, until: float) -> float:
        """How long it was well between two moments."""
        ends = [*self.moods, (float("inf"), Mood.AWAY)]
        return sum(
            max(0.0, min(end, until) - max(begin, since))
            for (begin, mood), (end, _) in pairwise(ends)
            if mood is Mood.WELL
        )


def handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    """Serves one connection, over which a sender may send one message after the other."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            receiver.asked += 1
            body = self.rfile.read(int(self.headers["content-length"]))
            mood = receiver.mood
            if mood in {Mood.WELL, Mood.MUTE}:
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.verify(body, headers)
                said_so = mood is Mood.WELL
                taken = Taken(at=time.time(), said_so=said_so, headers=headers, body=body)
                receiver.taken.append(taken)
            if mood in {Mood.AWAY, Mood.MUTE}:
                self.close_connection = True
                return
            self.send_response(204 if mood is Mood.WELL else 500)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's word
            """Keeps quiet."""

    return Handler


@contextmanager
def receiver(verify: Verify) -> Generator[Receiver]:
    """One that is well, until the block ends or it is told otherwise."""
    here = Receiver(verify)
    here.turn(Mood.WELL)
    yield here
    here.turn(Mood.AWAY)
