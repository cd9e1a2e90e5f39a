"""A small client for the tests of the ComfyUI stand-in: graphs, prompts and their events."""

import io
import json
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict, cast
from uuid import uuid4

import httpx
from PIL import Image
from websockets.sync.client import ClientConnection, connect

from quel_dagster.demo.comfyui.process import NO_CERTIFICATES, ComfyUIProcess

GRAPHS = Path(__file__).parent / "graphs"
DEADLINE = 60.0

Json = dict[str, object]
Event = tuple[str, Json]


class Node(TypedDict):
    class_type: str
    inputs: Json


Graph = dict[str, Node]


def graph(name: str) -> Graph:
    """One of the graphs beside this file; with a colour of its own, so that no cache knows it."""
    found = cast("Graph", json.loads((GRAPHS / f"{name}.json").read_text()))
    for node in found.values():
        if "color" in node["inputs"]:
            node["inputs"]["color"] = uuid4().int % 0xFFFFFF
    return found


def qwen(references: Mapping[str, str] | None = None, **values: object) -> Graph:
    """A graph as our workflows have it, with other values here and there and with references."""
    found = graph("qwen_edit")
    for node in found.values():
        node["inputs"] |= {n: v for n, v in values.items() if n in node["inputs"] and n != "prompt"}
    found["5"]["inputs"]["prompt"] = values.get("prompt", "a lighthouse at dusk")
    for number, (name, file) in enumerate((references or {}).items(), 20):
        found[str(number)] = {"class_type": "LoadImage", "inputs": {"image": file}}
        found["5"]["inputs"][name] = [str(number), 0]
    return found


def png(colour: str, size: tuple[int, int] = (64, 64)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, "PNG")
    return stream.getvalue()


class Client:
    """One client of a server, with a client id of its own."""

    def __init__(self, url: str) -> None:
        self.id = uuid4().hex
        self.http = httpx.Client(
            base_url=url, trust_env=False, timeout=DEADLINE, verify=NO_CERTIFICATES
        )

    def get(self, path: str, **query: str | int) -> Json:
        return cast("Json", self.http.get(path, params=query).raise_for_status().json())

    def submit(self, nodes: Graph, **more: object) -> str:
        """Queue a graph; answers its prompt id."""
        body = {"prompt": nodes, "client_id": self.id, **more}
        answer = self.http.post("/prompt", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["prompt_id"])

    def run(self, nodes: Graph, **more: object) -> Json:
        """Run a graph to its end; answers its history entry."""
        with self.listening() as socket:
            prompt_id = self.submit(nodes, **more)
            events_of(socket, prompt_id)
        return self.entry(prompt_id)

    def entry(self, prompt_id: str) -> Json:
        return cast("Json", self.get(f"/history/{prompt_id}")[prompt_id])

    def upload(self, name: str, data: bytes, **form: str) -> httpx.Response:
        return self.http.post("/upload/image", files={"image": (name, data)}, data=form)

    def view(self, picture: Json) -> Image.Image:
        query = cast("dict[str, str]", picture)
        answer = self.http.get("/view", params=query).raise_for_status()
        return Image.open(io.BytesIO(answer.content))

    def picture(self, nodes: Graph, **more: object) -> Image.Image:
        """Run a graph and fetch the first picture it saves."""
        return self.view(pictures(self.run(nodes, **more))[0])

    @contextmanager
    def listening(self, client_id: str | None = None) -> Generator[ClientConnection]:
        """A websocket that has had its first status."""
        url = str(self.http.base_url).replace("http", "ws", 1).rstrip("/")
        address = f"{url}/ws?clientId={client_id or self.id}"
        # An unread socket stalls the events of every client, so this one is always read.
        with connect(address, proxy=None, compression=None, max_queue=None) as socket:
            kind, data = hear(socket)
            assert (kind, data["sid"]) == ("status", client_id or self.id)
            yield socket


def hear(socket: ClientConnection, seconds: float = DEADLINE) -> Event:
    """The next event; bytes, which are previews, are passed over."""
    deadline = time.monotonic() + seconds
    while isinstance(text := socket.recv(timeout=deadline - time.monotonic()), bytes):
        pass
    message = cast("Json", json.loads(text))
    return str(message["type"]), cast("Json", message["data"])


def hear_until(socket: ClientConnection, kind: str, **wanted: object) -> list[Event]:
    """All events up to the first of this kind with these values."""
    heard = [hear(socket)]
    while heard[-1][0] != kind or not wanted.items() <= heard[-1][1].items():
        heard.append(hear(socket))
    return heard


def events_of(socket: ClientConnection, prompt_id: str) -> list[Event]:
    """The prompt's own events up to its last one, `executing null`."""
    heard = hear_until(socket, "executing", node=None, prompt_id=prompt_id)
    return [event for event in heard if event[1].get("prompt_id") == prompt_id]


def pictures(entry: Json) -> list[Json]:
    """The files that a history entry names."""
    outputs = cast("dict[str, dict[str, list[Json]]]", entry["outputs"])
    return [picture for output in outputs.values() for picture in output["images"]]


def last_message(entry: Json) -> Event:
    status = cast("Json", entry["status"])
    kind, data = cast("list[Event]", status["messages"])[-1]
    return kind, data


class Busy:
    """A prompt that runs for seconds, and the websocket of its client."""

    def __init__(self, client: Client, socket: ClientConnection) -> None:
        self.client = client
        self.prompt_id = client.submit(graph("slow"))
        self._socket = socket
        self.ended = False
        hear_until(socket, "executing", node="2")

    def end(self) -> list[Event]:
        """What its client heard until it ended; interrupts nothing by itself."""
        self.ended = True
        return events_of(self._socket, self.prompt_id)

    def stop(self) -> None:
        if not self.ended:
            self.client.http.post("/interrupt", json={"prompt_id": self.prompt_id})
            self.end()


class Comfyui:
    """The server under test with its clients, and the stand-in's process if it is one."""

    def __init__(self, url: str, process: ComfyUIProcess | None = None) -> None:
        self.url = url
        self._process = process
        self._clients: list[Client] = []

    def client(self) -> Client:
        """A further client; closed with the others."""
        self._clients.append(Client(self.url))
        return self._clients[-1]

    def close(self) -> None:
        for client in self._clients:
            client.http.close()

    @contextmanager
    def busy(self) -> Generator[Busy]:
        """The server at work for some seconds; what runs is stopped at the end."""
        if self._process is not None:
            self._process.faults(render_seconds=5)
        client = self.client()
        with client.listening() as socket:
            busy = Busy(client, socket)
            try:
                yield busy
            finally:
                busy.stop()
        if self._process is not None:
            self._process.faults()
