"""The embedded stack: it starts, keeps its data, and never leaves a process behind."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import psycopg2
import pytest
import redis
from boto3 import Session

from quel_dagster.demo.child import Death
from quel_dagster.demo.guard import still_running
from quel_dagster.demo.s3 import CREDENTIALS
from quel_dagster.demo.stack import Options, Stack
from quel_dagster.demo.supervisor import StackFailed
from quel_dagster.services.storage import Storage

SERVICES = Options(with_dagster=False, renderers=0)
PROGRAM = """
import sys
from pathlib import Path
from quel_dagster.demo.stack import Options, Stack

options = Options(with_dagster=False, renderers=0)
with Stack(Path(sys.argv[1]), options) as stack, stack.signals_as_events():
    print(*stack.parts.values(), flush=True)
    print(stack.wait())
"""


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


class Launched:
    """A stack in a process of its own, and the processes of its parts."""

    def __init__(self, home: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, home], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        self.parts = [psutil.Process(int(pid)) for pid in self.process.stdout.readline().split()]
        self.guard = next(
            child
            for child in psutil.Process(self.process.pid).children()
            if "quel_dagster.demo.guard" in child.cmdline()
        )
        assert len(self.parts) == 3

    def wait_until_nothing_runs(self) -> None:
        assert still_running([*self.parts, self.guard], 20) == []

    def kill_with_guard(self) -> None:
        self.guard.kill()
        self.process.kill()
        self.process.communicate()


def put_data(environ: dict[str, str]) -> None:
    with psycopg2.connect(environ["QUEL_DATABASE_URL"]) as connection:
        connection.cursor().execute("CREATE TABLE kept AS SELECT 42 AS answer")
    connection.close()
    with redis.Redis.from_url(environ["QUEL_REDIS_URL"]) as client:
        client.rpush("kept", "answer")
    storage = Storage(Session(), "attachments", endpoint=environ["S3_ENDPOINT_URL"])
    storage.put("a folder/kept.webp", b"\0answer\xff", "image/webp")


def assert_data(environ: dict[str, str]) -> None:
    connection = psycopg2.connect(environ["QUEL_DATABASE_URL"])
    cursor = connection.cursor()
    cursor.execute("SELECT answer FROM kept")
    assert cursor.fetchall() == [(42,)]
    connection.close()
    with redis.Redis.from_url(environ["QUEL_REDIS_URL"]) as client:
        assert client.lrange("kept", 0, -1) == [b"answer"]
    storage = Storage(Session(), "attachments", endpoint=environ["S3_ENDPOINT_URL"])
    assert storage.fetch("a folder/kept.webp") == b"\0answer\xff"


def test_a_second_start_finds_what_the_first_one_kept(home: Path) -> None:
    with Stack(home, SERVICES) as stack:
        put_data(stack.environ)
    journal = home / "s3" / "journal.jsonl"
    size = journal.stat().st_size
    with Stack(home, SERVICES) as stack:
        assert_data(stack.environ)
    assert journal.stat().st_size == size


def test_a_part_that_dies_is_named_and_the_others_stop(home: Path) -> None:
    with Stack(home, SERVICES) as stack:
        parts = [psutil.Process(pid) for pid in stack.parts.values()]
        stack.kill("redis")
        death = stack.wait()
    assert isinstance(death, Death)
    assert (death.part, death.code) == ("redis", -signal.SIGKILL)
    assert str(death).startswith("redis ended (SIGKILL); last lines of")
    assert still_running(parts, 0) == []


def test_a_killed_part_comes_back_at_its_address_with_its_data(home: Path) -> None:
    with Stack(home, SERVICES) as stack:
        put_data(stack.environ)
        for part in ("postgres", "redis", "s3"):
            stack.kill(part)
            stack.restart(part)
        assert_data(stack.environ)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_every_part(home: Path, number: signal.Signals) -> None:
    launched = Launched(home)
    launched.process.send_signal(number)
    output, _ = launched.process.communicate(timeout=30)
    assert output == f"stopped by {number.name}\n"
    assert launched.process.returncode == 0
    launched.wait_until_nothing_runs()


def test_nothing_outlives_a_supervisor_that_was_killed(home: Path) -> None:
    launched = Launched(home)
    assert (home / "env").exists()
    launched.process.kill()
    launched.process.communicate()
    launched.wait_until_nothing_runs()
    assert not (home / "env").exists()


def test_a_start_right_after_the_kill_waits_for_the_remains_and_keeps_the_data(
    home: Path,
) -> None:
    with Stack(home, SERVICES) as stack:
        put_data(stack.environ)
    launched = Launched(home)
    launched.process.kill()
    launched.process.communicate()
    with Stack(home, SERVICES) as stack:
        launched.wait_until_nothing_runs()
        assert_data(stack.environ)


def test_a_start_stops_what_nobody_was_left_to_stop(home: Path) -> None:
    launched = Launched(home)
    launched.kill_with_guard()
    assert all(part.is_running() for part in launched.parts)
    with Stack(home, SERVICES):
        launched.wait_until_nothing_runs()


def test_a_second_stack_in_the_same_folder_is_refused(home: Path) -> None:
    refusal = rf"already running in .* \(process {os.getpid()}\)"
    with Stack(home, SERVICES):
        with pytest.raises(StackFailed, match=refusal), Stack(home, SERVICES):
            pytest.fail("it was not refused")
        assert (home / "env").exists()
    assert not (home / "env").exists()
    with Stack(home, SERVICES) as stack:
        assert set(stack.parts) == {"redis", "s3", "postgres"}


def test_addresses_left_over_from_an_earlier_stack_are_not_taken_for_given(home: Path) -> None:
    sourced = {"QUEL_REDIS_URL": "redis://127.0.0.1:9", "QUEL_STACK": str(home)}
    with Stack(home, Options(given=sourced, renderers=0, with_dagster=False)) as stack:
        assert "redis" in stack.parts
        assert stack.environ["QUEL_REDIS_URL"] != sourced["QUEL_REDIS_URL"]


def test_given_addresses_are_used_and_nothing_is_started_for_them(
    home: Path, empty_database: str, redis_url: str, s3_endpoint: str
) -> None:
    given = {
        "QUEL_DATABASE_URL": empty_database,
        "QUEL_REDIS_URL": redis_url,
        "S3_ENDPOINT_URL": s3_endpoint,
        "COMFYUI_URLS": "http://127.0.0.1:1,http://127.0.0.1:2",
    }
    with Stack(home, Options(given=given, with_dagster=False)) as stack:
        assert stack.parts == {}
        assert stack.comfyui == ("http://127.0.0.1:1", "http://127.0.0.1:2")
        assert given.items() <= stack.environ.items()
        assert "AWS_SECRET_ACCESS_KEY" not in stack.environ


def test_the_environment_file_serves_a_shell(home: Path) -> None:
    with Stack(home / "a folder+", SERVICES) as stack:
        file = home / "a folder+" / "env"
        assert file.stat().st_mode & 0o777 == 0o600
        shell = 'set -a; . "$0"; env -0'
        printed = subprocess.run(
            ["sh", "-c", shell, file], check=True, capture_output=True, env={}, text=True
        ).stdout
        seen = dict(line.split("=", 1) for line in printed.rstrip("\0").split("\0"))
        assert stack.environ.items() <= seen.items()
    assert not file.exists()


def test_dagster_serves_on_the_next_free_port_and_keeps_its_tables_in_a_schema(
    home: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as occupied:
        taken: int = occupied.getsockname()[1]
        with Stack(home, Options(renderers=1, ui_port=taken)) as stack:
            parts = [psutil.Process(pid) for pid in stack.parts.values()]
            family = parts + [child for part in parts for child in part.children(recursive=True)]
            dagster = ["code-server", "webserver", "daemon", "worker", "dispatch"]
            assert list(stack.parts)[-5:] == dagster
            assert httpx.URL(stack.ui_url).port in range(taken + 1, taken + 100)
            assert httpx.get(stack.ui_url).is_success
            assert schemas_with_runs(stack.environ["QUEL_DATABASE_URL"]) == [("dagster",)]
    assert still_running(family, 0) == []


def schemas_with_runs(url: str) -> list[tuple[str]]:
    connection = psycopg2.connect(url)
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'runs'")
        return cursor.fetchall()
    finally:
        connection.close()
