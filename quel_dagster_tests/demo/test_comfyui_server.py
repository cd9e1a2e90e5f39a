"""What the stand-in and a real ComfyUI server have in common.

Set COMFYUI_TEST_URL to hold a real server (v0.33.0 was measured) against the same tests; the graphs
need no model weights.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast
from uuid import uuid4

import pytest
from PIL import Image

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster_tests.demo.comfyui_client import (
    GRAPHS,
    Client,
    Graph,
    Json,
    events_of,
    graph,
    hear,
    hear_until,
    last_message,
    pictures,
    png,
)

REFUSALS = cast("list[Json]", json.loads((GRAPHS / "refusals.json").read_text()))
REAL_SERVER = os.environ.get("COMFYUI_TEST_URL")
TROUBLE = "500 Internal Server Error\n\nServer got itself in trouble"


class Target:
    """The server under test, and how to make its renders long enough to step in."""

    def __init__(self, url: str, process: ComfyUIProcess | None) -> None:
        self.url = url
        self._process = process

    @contextmanager
    def busy(self, client: Client) -> Iterator[str]:
        """A prompt that runs for seconds; it is stopped at the end."""
        if self._process is not None:
            self._process.faults(render_seconds=5)
        with client.listening() as socket:
            prompt_id = client.submit(graph("slow"))
            hear_until(socket, "executing", node="2")
            yield prompt_id
            client.http.post("/interrupt", json={"prompt_id": prompt_id})
            _wait_until_idle(client)
        if self._process is not None:
            self._process.faults()
