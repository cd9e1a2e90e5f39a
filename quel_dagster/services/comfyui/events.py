"""A hint from the websocket that a prompt may have ended, and how far it is.

Nothing is decided here: a socket that is refused, silent or dead only makes the waits longer.
"""

import contextlib
import threading
from typing import Self
from urllib.parse import urlencode
from uuid import UUID, uuid4

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from quel_dagster.services.comfyui.progress import Progress

OPEN_TIMEOUT = 2.0
CLOSE_TIMEOUT = 0.5
PING_EVERY = 15.0
"""Seconds. ComfyUI never pings, and a half-open connection is invisible to it."""

LARGEST_MESSAGE = 64 * 1024 * 1024
"""Bytes; previews of large pictures come as one frame."""


class Hints:
    """Listens for one prompt while the context is open, under a client id of its own.

    A second socket with the same client id would silence the first for good, so that every
    connection has a fresh one. A thread reads all the time: one client that stops reading its
    socket stalls the events of all others.
    """

    def __init__(self, url: str, prompt_id: UUID) -> None:
        self.client_id = uuid4().hex
        self._url = f"ws{url.removeprefix('http')}/ws?{urlencode({'clientId': self.client_id})}"
        self._progress = Progress(prompt_id)
        self._settled = threading.Event()
        self._news = threading.Event()
        self._closed = threading.Event()
        self._is_deaf = False
        self._socket: ClientConnection | None = None
        self._thread = threading.Thread(target=self._listen, name="comfyui-hints", daemon=True)

    def __enter__(self) -> Self:
        """Opens the socket, so that it hears what is submitted next; or does without."""
        self._thread.start()
        self._settled.wait(OPEN_TIMEOUT)
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        if self._socket is not None:
            self._socket.close()
        self._thread.join(CLOSE_TIMEOUT)

    def wait(self, timeout: float) -> bool:
        """Waits for news of the prompt, at most `timeout` seconds; tells whether there were any."""
        heard = self._news.wait(timeout)
        self._news.clear()
        return heard

    def progress(self, nodes: int) -> float:
        """How much of the prompt's `nodes` is done, 0 to 1; it never falls."""
        return self._progress.fraction(nodes)

    @property
    def signs(self) -> int:
        """How often anything was heard of the prompt; 0 while the socket does not work."""
        return 0 if self._is_deaf else self._progress.signs

    def _listen(self) -> None:
        with contextlib.suppress(OSError, WebSocketException), self._connect() as self._socket:
            self._settled.set()
            if self._closed.is_set():
                return
            for message in self._socket:
                if isinstance(message, str) and self._progress.hear(message):
                    self._news.set()
        self._is_deaf = True
        self._news.set()
        self._settled.set()

    def _connect(self) -> ClientConnection:
        return connect(
            self._url,
            open_timeout=OPEN_TIMEOUT,
            close_timeout=CLOSE_TIMEOUT,
            ping_interval=PING_EVERY,
            ping_timeout=PING_EVERY,
            max_size=LARGEST_MESSAGE,
            compression=None,
            proxy=None,
        )
