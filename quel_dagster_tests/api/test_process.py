"""`quel api` as a process: it starts, refuses an open door, and ends in peace."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from quel_dagster.demo.parts import reserved_port
from quel_dagster.services.database import connect
from quel_dagster_tests.api.serving import order, until
from quel_dagster_tests.builders import make_member

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "quel_dagster", "api"]


@contextmanager
def process(variables: dict[str, str], *arguments: str) -> Generator[subprocess.Popen[str]]:
    """`quel api`, ended at the latest with the block."""
    environ = {**os.environ, **variables}
    child = subprocess.Popen(
        [*COMMAND, *arguments], env=environ, cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").is_success
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_in_work_is_answered_before_the_end(
    variables: dict[str, str], number: signal.Signals
) -> None:
    engine = connect(variables["QUEL_DATABASE_URL"])
    member = str(make_member(engine))
    found: list[httpx.Response] = []
    with reserved_port() as port, process(variables, "--port", str(port)) as child:
        url = f"http://127.0.0.1:{port}"
        until(lambda: answers(url))
        with engine.begin() as tx:
            tx.execute(sa.text("LOCK TABLE quel_production_photo"))
            waits = threading.Thread(
                target=lambda: found.append(
                    httpx.post(f"{url}/api/jobs", json=order(member), timeout=30)
                )
            )
            waits.start()
            until(lambda: is_waiting_for_a_lock(engine))
            child.send_signal(number)
            until(lambda: not accepts(url))
        waits.join(30)
        _, said = child.communicate(timeout=30)
    assert found[0].status_code == 201
    assert child.returncode == 0, said
    assert "Traceback" not in said
    engine.dispose()


def is_waiting_for_a_lock(engine: sa.Engine) -> bool:
    waiting = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    with engine.connect() as connection:
        return bool(connection.scalar(waiting))


def accepts(url: str) -> bool:
    """Whether the port is still listened on."""
    try:
        httpx.get(f"{url}/health")
    except httpx.ConnectError:
        return False
    except httpx.TransportError:
        return True
    return True


def test_a_door_that_others_can_reach_is_not_opened_without_a_token(
    variables: dict[str, str],
) -> None:
    with process(variables, "--host", "0.0.0.0") as child:
        _, said = child.communicate(timeout=30)
    assert child.returncode == 1
    assert "set QUEL_API_TOKEN" in said


def test_a_missing_address_is_said_before_anything_is_served(variables: dict[str, str]) -> None:
    with process({**variables, "QUEL_REDIS_URL": ""}) as child:
        _, said = child.communicate(timeout=30)
    assert child.returncode == 1
    assert "QUEL_REDIS_URL is not set" in said


def test_an_occupied_port_ends_the_process(variables: dict[str, str]) -> None:
    with reserved_port() as port, process(variables, "--port", str(port)) as first:
        until(lambda: answers(f"http://127.0.0.1:{port}"))
        with process(variables, "--port", str(port)) as second:
            second.communicate(timeout=30)
            assert second.returncode not in (None, 0)
        assert first.poll() is None
