"""A real API on a free port: uvicorn in a thread, called over HTTP."""

import socket
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import httpx
import sqlalchemy as sa
import uvicorn

from quel_dagster import categories
from quel_dagster.api.app import build
from quel_dagster.environment import Environment
from quel_dagster_tests.builders import SUIT, job_row, make_member

CONFIG = """
worker:
  limits: {images_per_job: 60}
  ignored_paths: [multiview, landing]
  modules: {cartoon: {enabled: false}, fashion: {max_workers: 5}}
comfyui: {backends: ["${COMFYUI_URLS}"]}
credits: {price_per_image: 20}
api: {body_mb: 1, cors_origins: ["https://quel.example"]}
"""

TOKEN = "correct-horse-battery-staple"
NO_WAIT = timedelta(0)


@dataclass(frozen=True)
class Api:
    """A running API, a client of it, and what stands behind it."""

    url: str
    client: httpx.Client
    environment: Environment

    @property
    def engine(self) -> sa.Engine:
        return self.environment.engine

    def post(self, path: str, body: object = None, **headers: str) -> httpx.Response:
        return self.client.post(path, json=body, headers=headers)

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path)

    def order(self, credit: int = 1000, **fields: object) -> httpx.Response:
        """Posts an order for one picture, of a new member unless told who."""
        member = fields.pop("quel_member_id", None) or make_member(self.engine, credit)
        return self.post("/api/jobs", order(str(member), **fields))

    def row(self, job_id: object) -> sa.RowMapping:
        return job_row(self.engine, UUID(str(job_id)))

    def rings(self) -> list[str]:
        """What was rung for, oldest first."""
        drained = self.environment.queue.drain(100, NO_WAIT)
        return [str(job_id) for job_id in drained.job_ids]


def order(member: str, **fields: object) -> dict[str, object]:
    body = {"quel_member_id": member, "quel_production_path": "fashion", "job_input_data": SUIT}
    return {**body, **fields}


@contextmanager
def serving(variables: Mapping[str, str]) -> Generator[Api]:
    """Serves until the block ends."""
    environment = Environment(variables)
    config = uvicorn.Config(
        build(environment, categories.paths()), log_config=None, lifespan="on", ws="none"
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            until(lambda: server.started)
            with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
                yield Api(url, client, environment)
        finally:
            server.should_exit = True
            thread.join(30)
    assert not thread.is_alive()


def until(condition: Callable[[], bool], patience: float = 20) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)
