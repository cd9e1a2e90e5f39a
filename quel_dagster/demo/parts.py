"""What a part of the embedded stack is: a command, its address, and how to tell that it is ready.

Starting and stopping parts is the supervisor's work; which parts there are is decided in `stack`.
"""

import socket
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from signal import SIGTERM, Signals

import httpx


@dataclass(frozen=True, kw_only=True)
class Part:
    """One child process.

    `ready` answers at once whether the part serves; it is asked again until `deadline` seconds have
    passed. `environ` is added to our own environment, `user` is the system user it runs as.
    """

    name: str
    command: Sequence[str]
    ready: Callable[[], bool]
    environ: Mapping[str, str] = field(default_factory=dict[str, str])
    user: str | None = None
    stop_signal: Signals = SIGTERM
    deadline: float = 60.0


def from_here(port: int) -> range:
    """The ports to be tried where a certain one is wanted."""
    return range(port, port + 100)


@contextmanager
def reserved_port(*preferred: int) -> Generator[int]:
    """A TCP port of 127.0.0.1 that nobody else gets: the first free of `preferred`, else any.

    A socket is bound to it and never listens. Linux lets a server with SO_REUSEADDR bind the port
    a second time and listen, and keeps it from everybody who asks for any free port. From those
    who prefer the same one it is kept by the UDP port of that number, which is bound once only.

    Raises:
        OSError: the machine has no free port.
    """
    with ExitStack() as kept:
        for number in preferred:
            with suppress(OSError), ExitStack() as attempt:
                attempt.enter_context(_bound(socket.SOCK_DGRAM, number))
                attempt.enter_context(_bound(socket.SOCK_STREAM, number))
                kept.enter_context(attempt.pop_all())
                break
        else:
            number = kept.enter_context(_bound(socket.SOCK_STREAM, 0)).getsockname()[1]
        yield number


def _bound(kind: socket.SocketKind, number: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, kind)
    if kind is socket.SOCK_STREAM:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(("127.0.0.1", number))
    except OSError:
        bound.close()
        raise
    return bound


def answers_http(url: str) -> Callable[[], bool]:
    """A readiness check: the address answers, and not with a server error."""

    def ready() -> bool:
        try:
            return httpx.get(url, timeout=5).status_code < 500
        except httpx.TransportError:
            return False

    return ready


def listens(port: int) -> Callable[[], bool]:
    """A readiness check: the port accepts a connection."""

    def ready() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            return False
        return True

    return ready
