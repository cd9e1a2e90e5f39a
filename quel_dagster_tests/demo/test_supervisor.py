"""The supervisor: its ports, the parts it starts, and how both come to an end."""

import os
import signal
import socket
import sys
from pathlib import Path

import psutil
import pytest

from quel_dagster.demo.guard import still_running
from quel_dagster.demo.parts import Part
from quel_dagster.demo.supervisor import StackFailed, Supervisor


def test_an_occupied_port_makes_way_for_the_next(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, Supervisor(tmp_path) as supervisor:
        number: int = taken.getsockname()[1]
        assert number < supervisor.port(*range(number, number + 100)) < number + 100


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
    assert still_running([process], 0) == []


def test_a_part_that_ignores_its_stop_signal_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quel_dagster.demo.child.GRACE", 0.2)
    program = "import signal; signal.signal(15, signal.SIG_IGN); print(flush=True); signal.pause()"
    log = tmp_path / "log" / "mule.log"
    part = Part(
        name="mule", command=[sys.executable, "-c", program], ready=lambda: log.stat().st_size > 0
    )
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(part)
        process = psutil.Process(supervisor.process_ids["mule"])
    assert still_running([process], 0) == []


def test_what_a_part_started_itself_is_stopped_with_it(tmp_path: Path) -> None:
    program = (
        "import os, signal; os.fork() or os.fork()\n"
        "os.write(1, b'%d\\n' % os.getpid()); signal.pause()"  # one write: no line is torn
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
    assert still_running(members, 0) == []


def test_a_signal_during_the_start_ends_it_in_order(tmp_path: Path) -> None:
    def signal_instead_of_readiness() -> bool:
        os.kill(os.getpid(), signal.SIGTERM)
        return False

    part = Part(
        name="pump",
        command=[sys.executable, "-c", "import signal; signal.pause()"],
        ready=signal_instead_of_readiness,
    )
    before = signal.getsignal(signal.SIGTERM)
    with Supervisor(tmp_path) as supervisor:
        with pytest.raises(StackFailed, match="stopped by SIGTERM"):
            supervisor.start(part)
        process = psutil.Process(supervisor.process_ids["pump"])
    assert still_running([process], 0) == []
    assert signal.getsignal(signal.SIGTERM) is before
