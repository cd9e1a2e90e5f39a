"""An S3 server that finds its objects again after a restart: moto's, with a journal of its own.

Run as `python -m quel_dagster.demo.s3_server --port N [--journal FILE]`.
"""

import argparse
import base64
import json
import os
import threading
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
from werkzeug.test import create_environ, run_wsgi_app

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Journal:
    """WSGI middleware that notes every changing request in a file and can repeat them all.

    moto has a recorder of its own. It writes without a lock, so that uploads side by side spoil
    each other's lines (2 of 80 in a trial), after which nothing is replayed; and it keeps every
    read as well.
    """

    def __init__(self, app: "WSGIApplication", file: Path) -> None:
        self._app = app
        self._file = file
        self._lock = threading.Lock()

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Serve one request, noted before it is carried out when it changes something."""
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD", "OPTIONS"}:
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = BytesIO(body)
            self._note(environ, body)
        return self._app(environ, start_response)

    def replay(self) -> None:
        """Repeat every request of the file without noting it again.

        A last line that a power cut left unfinished is taken away: nobody was answered for it.
        """
        self._file.touch()
        whole = 0
        with self._file.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    self._repeat(line)
                    whole += len(line)
        os.truncate(self._file, whole)

    def _note(self, environ: "WSGIEnvironment", body: bytes) -> None:
        head = {key: value for key, value in environ.items() if isinstance(value, str)}
        line = json.dumps({"environ": head, "body": base64.b64encode(body).decode()})
        with self._lock, self._file.open("a") as file:
            file.write(line + "\n")

    def _repeat(self, line: bytes) -> None:
        entry = json.loads(line)
        environ = create_environ()
        environ.update(entry["environ"])
        environ["wsgi.input"] = BytesIO(base64.b64decode(entry["body"]))
        run_wsgi_app(self._app, environ, buffered=True)


def main() -> None:
    """Replay the journal, then serve until a signal ends the process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--journal", type=Path)
    options = parser.parse_args()
    app: WSGIApplication = DomainDispatcherApplication(create_backend_app)
    if options.journal:
        journal = app = Journal(app, options.journal)
        journal.replay()
    make_server("127.0.0.1", options.port, app, threaded=True).serve_forever()


if __name__ == "__main__":
    main()
