"""The websockets: who is connected, and which of them hears an event.

One queue and one writer for all, so a client that stops reading stalls every other one, as on the
real server. Events are never kept: who connects later has missed them.
"""

import asyncio
import json
from typing import NamedTuple

from aiohttp import web

from quel_dagster.demo.comfyui.wire import Json


class Event(NamedTuple):
    """A message to one client, or to all of them where `client_id` is None."""

    text: str
    client_id: str | None


class Hub:
    """The connected websockets by client id. Two of one id share a name, and its fate."""

    def __init__(self) -> None:
        self.sockets: dict[str, web.WebSocketResponse] = {}
        self._events: asyncio.Queue[Event] = asyncio.Queue()

    def send(self, kind: str, data: Json, client_id: str | None) -> None:
        """Hand an event to the writer; nobody is waited for."""
        self._events.put_nowait(Event(json.dumps({"type": kind, "data": data}), client_id))

    async def write(self) -> None:
        """Deliver the events in their order, for ever."""
        while True:
            event = await self._events.get()
            for client_id, socket in list(self.sockets.items()):
                if event.client_id in (None, client_id):
                    await deliver(socket, event.text)

    async def close(self) -> None:
        """Close every websocket."""
        for socket in list(self.sockets.values()):
            await socket.close()


async def deliver(socket: web.WebSocketResponse, text: str) -> None:
    """Send to one websocket; one that has gone away is no error."""
    try:
        await socket.send_str(text)
    except ConnectionError:
        return
