"""A receiver of webhooks on this machine, that can refuse, be slow, and remember."""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Receiver:
    """What came, and how it answers; `promised` bytes of an answer's body never come."""

    url: str = ""
    status: int = 204
    pause: float = 0.0
    promised: int = 0
    taken: list[tuple[dict[str, str], str]] = field(
        default_factory=list[tuple[dict[str, str], str]]
    )
    asked: int = 0


@contextmanager
def receiver() -> Generator[Receiver]:
    """A receiver that listens as long as the block runs."""
    here = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            here.asked += 1
            time.sleep(here.pause)
            if here.status < 300:
                headers = {name.lower(): value for name, value in self.headers.items()}
                here.taken.append((headers, body))
            self.send_response(here.status)
            if here.promised:
                self.send_header("content-length", str(here.promised))
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's word
            """Keeps quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        here.url = f"http://127.0.0.1:{server.server_port}/hook/secret"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield here
        server.shutdown()
        thread.join()
