"""The embedded stack: it starts, keeps its data, and never leaves a process behind."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg2
import pytest
import redis

from quel_dagster.demo.parts import Part
from quel_dagster.demo.s3 import CREDENTIALS
from quel_dagster.demo.stack import Options, Stack
from quel_dagster.demo.supervisor import Death, StackFailed, Supervisor
from quel_dagster.services.storage import Storage

SERVICES = Options(with_dagster=False, renderers=0)
PROGRAM = """
import sys
from pathlib import Path
from quel_dagster.demo.stack import Options, Stack

with Stack(Path(sys.argv[1]), Options(with_dagster=False, renderers=0)) as stack:
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
        family = [*self.parts, self.guard]
        _, alive = psutil.wait_procs(family, timeout=20)
        assert alive == []

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
    storage = Storage("attachments", endpoint=environ["S3_ENDPOINT_URL"])
    storage.put("a folder/kept.webp", b"\0answer\xff", "image/webp")


def assert_data(environ: dict[str, str]) -> None:
    connection = psycopg2.connect(environ["QUEL_DATABASE_URL"])
    cursor = connection.cursor()
    cursor.execute("SELECT answer FROM kept")
    assert cursor.fetchall() == [(42,)]
    connection.close()
    with redis.Redis.from_url(environ["QUEL_REDIS_URL"]) as client:
        assert client.lrange("kept", 0, -1) == [b"answer"]
    storage = Storage("attachments", endpoint=environ["S3_ENDPOINT_URL"])
    assert storage.fetch("a folder/kept.webp") == b"\0answer\xff"


def test_a_second_start_finds_what_the_first_one_kept(tmp_path: Path) -> None:
    with Stack(tmp_path, SERVICES) as stack:
        put_data(stack.environ)
    journal = tmp_path / "s3" / "journal.jsonl"
    size = journal.stat().st_size
    with Stack(tmp_path, SERVICES) as stack:
        assert_data(stack.environ)
    assert journal.stat().st_size == size


def test_a_part_that_dies_is_named_and_the_others_stop(tmp_path: Path) -> None:
    with Stack(tmp_path, SERVICES) as stack:
        parts = [psutil.Process(pid) for pid in stack.parts.values()]
        stack.kill("redis")
        death = stack.wait()
    assert isinstance(death, Death)
    assert (death.part, death.code) == ("redis", -signal.SIGKILL)
    assert str(death).startswith("redis ended (SIGKILL); last lines of")
    assert not any(part.is_running() for part in parts)


def test_a_killed_part_comes_back_at_its_address_with_its_data(tmp_path: Path) -> None:
    with Stack(tmp_path, SERVICES) as stack:
        put_data(stack.environ)
        for part in ("postgres", "redis", "s3"):
            stack.kill(part)
            stack.restart(part)
        assert_data(stack.environ)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_every_part(tmp_path: Path, number: signal.Signals) -> None:
    launched = Launched(tmp_path)
    launched.process.send_signal(number)
    output, _ = launched.process.communicate(timeout=30)
    assert output == f"stopped by {number.name}\n"
    assert launched.process.returncode == 0
    launched.wait_until_nothing_runs()


def test_nothing_outlives_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    launched = Launched(tmp_path)
    assert (tmp_path / "env").exists()
    launched.process.kill()
    launched.process.communicate()
    launched.wait_until_nothing_runs()
    assert not (tmp_path / "env").exists()


def test_a_start_right_after_the_kill_waits_for_the_remains_and_keeps_the_data(
    tmp_path: Path,
) -> None:
    with Stack(tmp_path, SERVICES) as stack:
        put_data(stack.environ)
    launched = Launched(tmp_path)
    launched.process.kill()
    launched.process.communicate()
    with Stack(tmp_path, SERVICES) as stack:
        launched.wait_until_nothing_runs()
        assert_data(stack.environ)


def test_a_start_stops_what_nobody_was_left_to_stop(tmp_path: Path) -> None:
    launched = Launched(tmp_path)
    launched.kill_with_guard()
    assert all(part.is_running() for part in launched.parts)
    with Stack(tmp_path, SERVICES):
        launched.wait_until_nothing_runs()


def test_a_second_stack_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with (
        Stack(tmp_path, SERVICES) as stack,
        pytest.raises(StackFailed, match=f"already running in .* \\(process {os.getpid()}\\)"),
    ):
        Stack(tmp_path, SERVICES).__enter__()
    assert not (tmp_path / "env").exists()
    with Stack(tmp_path, SERVICES) as stack:
        assert set(stack.parts) == {"redis", "s3", "postgres"}


def test_given_addresses_are_used_and_nothing_is_started_for_them(
    tmp_path: Path, empty_database: str, redis_url: str, s3_endpoint: str
) -> None:
    given = {
        "QUEL_DATABASE_URL": empty_database,
        "QUEL_REDIS_URL": redis_url,
        "S3_ENDPOINT_URL": s3_endpoint,
        "COMFYUI_URLS": "http://127.0.0.1:1,http://127.0.0.1:2",
    }
    with Stack(tmp_path, Options(given=given, with_dagster=False)) as stack:
        assert stack.parts == {}
        assert stack.comfyui == ("http://127.0.0.1:1", "http://127.0.0.1:2")
        assert given.items() <= stack.environ.items()
        assert "AWS_SECRET_ACCESS_KEY" not in stack.environ


def test_the_environment_file_serves_a_shell(tmp_path: Path) -> None:
    with Stack(tmp_path / "a folder", SERVICES) as stack:
        file = tmp_path / "a folder" / "env"
        assert file.stat().st_mode & 0o777 == 0o600
        shell = 'set -a; . "$0"; env -0'
        printed = subprocess.run(
            ["sh", "-c", shell, file], check=True, capture_output=True, env={}, text=True
        ).stdout
        seen = dict(line.split("=", 1) for line in printed.rstrip("\0").split("\0"))
        assert stack.environ.items() <= seen.items()
    assert not file.exists()


def test_an_occupied_port_makes_way_for_the_next(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, Supervisor(tmp_path) as supervisor:
        number: int = taken.getsockname()[1]
        assert supervisor.port(number, number + 1) == number + 1


def test_a_reserved_port_is_nobody_elses_but_the_parts(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        number = supervisor.port()
    with Supervisor(tmp_path) as supervisor:
        assert supervisor.port(number) == number
        assert supervisor.port(number) != number
        with socket.create_server(("127.0.0.1", number)):
            socket.create_connection(("127.0.0.1", number)).close()


def test_a_part_that_cannot_start_is_named_with_its_last_words(tmp_path: Path) -> None:
    part = Part(
        name="pump",
        command=[sys.executable, "-c", "raise SystemExit('no water')"],
        ready=lambda: False,
    )
    with (
        Supervisor(tmp_path) as supervisor,
        pytest.raises(StackFailed, match=r"(?s)pump ended \(exit code 1\); .*pump.log:\nno water"),
    ):
        supervisor.start(part)


def test_a_part_that_never_serves_runs_into_its_deadline(tmp_path: Path) -> None:
    part = Part(
        name="pump",
        command=[sys.executable, "-c", "import signal; signal.pause()"],
        ready=lambda: False,
        deadline=0.2,
    )
    with Supervisor(tmp_path) as supervisor:
        with pytest.raises(StackFailed, match=r"pump did not serve within 0\.2 s"):
            supervisor.start(part)
        process = psutil.Process(supervisor.process_ids["pump"])
    assert not process.is_running()


def test_a_part_that_ignores_its_stop_signal_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quel_dagster.demo.supervisor.GRACE", 0.2)
    program = "import signal; signal.signal(15, signal.SIG_IGN); print(flush=True); signal.pause()"
    log = tmp_path / "log" / "mule.log"
    part = Part(
        name="mule", command=[sys.executable, "-c", program], ready=lambda: log.stat().st_size > 0
    )
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(part)
        process = psutil.Process(supervisor.process_ids["mule"])
    assert not process.is_running()


def test_what_a_part_started_itself_is_stopped_with_it(tmp_path: Path) -> None:
    program = (
        "import os, signal; os.fork() or os.fork(); print(os.getpid(), flush=True); signal.pause()"
    )
    log = tmp_path / "log" / "family.log"
    part = Part(
        name="family",
        command=[sys.executable, "-c", program],
        ready=lambda: len(log.read_text().split()) == 3,
    )
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(part)
        members = [psutil.Process(int(pid)) for pid in log.read_text().split()]
    _, alive = psutil.wait_procs(members, timeout=5)
    assert alive == []
