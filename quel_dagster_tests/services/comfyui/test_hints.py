"""The websocket as a hint: it may shorten a wait, and can do nothing worse than not shorten it."""

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from queue import SimpleQueue
from uuid import UUID

from websockets.sync.server import ServerConnection, serve

from quel_dagster.services.comfyui.events import Hints

OURS = UUID("0684c763-22ca-4a09-bdf2-e4acd6aa3644")
END = json.dumps({"type": "executing", "data": {"node": None, "prompt_id": str(OURS)}})
HALF = json.dumps(
    {
        "type": "progress_state",
        "data": {"prompt_id": str(OURS), "nodes": {"1": {"value": 1, "max": 1}}},
    }
)
LONG = 10.0
"""Seconds; a wait of this length that returns nothing would make the test slow, not wrong."""


@contextmanager
def listening(talk: Callable[[ServerConnection], None]) -> Generator[Hints]:
    """Hints whose server says what `talk` says."""
    with serve(talk, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = server.socket.getsockname()[1]
        with Hints(f"http://127.0.0.1:{port}", OURS) as hints:
            yield hints
        server.shutdown()
        thread.join()


def until_closed(connection: ServerConnection) -> None:
    for _ in connection:
        pass


def test_the_end_of_the_prompt_ends_the_wait() -> None:
    def talk(connection: ServerConnection) -> None:
        connection.send(b"\x00\x00\x00\x01 a preview")
        connection.send("no json")
        connection.send(END)
        until_closed(connection)

    with listening(talk) as hints:
        assert hints.wait(LONG)


def test_what_was_heard_before_the_wait_counts_once() -> None:
    heard = threading.Event()

    def talk(connection: ServerConnection) -> None:
        connection.send(HALF)
        connection.send(END)
        connection.ping().wait(LONG)
        heard.set()
        until_closed(connection)

    with listening(talk) as hints:
        assert heard.wait(LONG)
        assert hints.wait(LONG)
        assert not hints.wait(0.01)
        assert hints.progress(nodes=2) == 0.5


def test_every_connection_has_a_client_id_of_its_own_and_no_origin() -> None:
    seen: SimpleQueue[tuple[str, str | None]] = SimpleQueue()

    def talk(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.put((connection.request.path, connection.request.headers.get("Origin")))
        until_closed(connection)

    with listening(talk) as first, listening(talk) as second:
        assert seen.get(timeout=LONG) == (f"/ws?clientId={first.client_id}", None)
        assert seen.get(timeout=LONG) == (f"/ws?clientId={second.client_id}", None)
    assert first.client_id != second.client_id


def test_a_silent_socket_makes_the_wait_no_longer_than_asked() -> None:
    with listening(until_closed) as hints:
        assert not hints.wait(0.05)


def test_a_socket_that_dies_ends_one_wait_and_then_only_time_does() -> None:
    with listening(lambda connection: connection.close_socket()) as hints:
        assert hints.wait(LONG)
        assert not hints.wait(0.05)


def test_without_a_server_there_are_no_hints_and_no_error() -> None:
    with Hints("http://127.0.0.1:9", OURS) as hints:
        hints.wait(0.01)
        assert not hints.wait(0.05)
