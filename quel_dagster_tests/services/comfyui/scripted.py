"""A real HTTP server that answers as it is told and remembers what it was asked."""

import json
import threading
from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from uuid import UUID


class Request(NamedTuple):
    method: str
    path: str
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> object:
        return json.loads(self.body)


class Script:
    """What the server answers to each path, and what it was asked."""

    def __init__(self) -> None:
        self.answers: defaultdict[str, list[tuple[int, bytes]]] = defaultdict(list)
        self.asked: list[Request] = []

    def answer(self, path: str, body: object = None, status: int = 200) -> None:
        """The last answer given for a path is repeated for ever."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers[path].append((status, data))

    def tells_version(self, version: str) -> None:
        self.answer("/system_stats", {"system": {"comfyui_version": version}, "devices": []})

    def knows_nothing_of(self, prompt_id: UUID) -> None:
        self.answer("/queue", {"queue_running": [], "queue_pending": []})
        self.answer(f"/history/{prompt_id}", {})

    def next_answer(self, path: str) -> tuple[int, bytes]:
        answers = self.answers[path.partition("?")[0]]
        if not answers:
            return 404, b"404: Not Found"
        return answers.pop(0) if len(answers) > 1 else answers[0]

    @property
    def paths(self) -> list[str]:
        return [f"{request.method} {request.path.partition('?')[0]}" for request in self.asked]


@contextmanager
def serving(script: Script) -> Generator[str]:
    """Serves the script; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            script.asked.append(Request(self.command, self.path, body, headers))
            status, data = script.next_answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_GET  # noqa: N815 - the base class wants this name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its signature
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
