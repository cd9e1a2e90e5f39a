"""The API as a part of `quel up`."""

import os
import socket
from pathlib import Path

import httpx
import pytest

from quel_dagster.demo.s3 import CREDENTIALS
from quel_dagster.demo.stack import Options, Stack
from quel_dagster.environment import Environment
from quel_dagster_tests.api.serving import order
from quel_dagster_tests.builders import make_member


def test_the_stack_serves_the_api_and_says_where(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with socket.create_server(("127.0.0.1", 0)) as occupied:
        taken: int = occupied.getsockname()[1]
        options = Options(with_dagster=False, renderers=0, api_port=taken)
        with Stack(home, options) as stack:
            url = stack.environ["QUEL_API_URL"]
            assert f"QUEL_API_URL={url}\n" in (home / "env").read_text()
            assert httpx.URL(url).port in range(taken + 1, taken + 100)
            place = Environment({**os.environ, **stack.environ})
            body = order(str(make_member(place.engine)))
            answer = httpx.post(f"{url}/api/jobs", json=body)
            assert (answer.status_code, answer.json()["rung"]) == (201, True)
            place.close()
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{url}/health")
