"""`quel daemon`: any number may be started, and one of them is Dagster's daemon."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

from quel_dagster.demo.dagster import in_schema
from quel_dagster.demo.guard import still_running
from quel_dagster.demo.parts import Part
from quel_dagster.demo.supervisor import Supervisor
from quel_dagster.services.database import connect
from quel_dagster_tests.services.test_leadership import end_sessions

STORAGE = "storage: {postgres: {postgres_url: {env: QUEL_DAGSTER_DATABASE_URL}}}\n"
PATIENCE = 60.0
WAITS = "another process has the lock"
LEADS = "this process has the lock"


class Site:
    """Daemons on one database, each with a log of its own."""

    def __init__(self, supervisor: Supervisor, folder: Path, url: str) -> None:
        self.supervisor = supervisor
        self._folder = folder
        (folder / "dagster.yaml").write_text(f"{STORAGE}telemetry: {{enabled: false}}\n")
        self._workspace = folder / "workspace.yaml"
        self._workspace.write_text("load_from: []\n")
        self._environ = {"DAGSTER_HOME": str(folder), "QUEL_DAGSTER_DATABASE_URL": url}

    def start(self, name: str, until: str) -> None:
        """Starts one and waits for a line in its log."""
        command = [sys.executable, "-m", "quel_dagster", "daemon", "-w", str(self._workspace)]

        def ready() -> bool:
            return self.says(name, until)

        part = Part(name=name, command=command, environ=self._environ, ready=ready)
        self.supervisor.start(part)

    def says(self, name: str, line: str, times: int = 1) -> bool:
        return (self._folder / "log" / f"{name}.log").read_text().count(line) >= times

    def is_daemon(self, name: str) -> bool:
        """Dagster's own line, once its loops run."""
        return self.says(name, "Instance is configured with the following daemons")

    def wait(self, happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not happened():
            assert time.monotonic() < deadline
            self.supervisor.wait(0.1)


@pytest.fixture
def site(empty_database: str, tmp_path: Path) -> Iterator[Site]:
    engine = connect(empty_database)
    with engine.begin() as tx:
        tx.execute(sa.schema.CreateSchema("dagster"))
    engine.dispose()
    with Supervisor(tmp_path) as supervisor:
        yield Site(supervisor, tmp_path, in_schema(empty_database, "dagster"))


def test_a_second_daemon_waits_and_takes_over_when_the_first_is_killed(site: Site) -> None:
    site.start("first", LEADS)
    site.wait(lambda: site.is_daemon("first"))
    site.start("second", WAITS)
    assert not site.says("second", LEADS)
    first = psutil.Process(site.supervisor.process_ids["first"])
    site.supervisor.kill("first")
    site.wait(lambda: site.is_daemon("second"))
    assert still_running([first], 0) == []
    assert site.says("second", LEADS)


def test_a_daemon_that_loses_its_session_stops_at_once_and_waits_for_its_turn_again(
    site: Site, empty_database: str
) -> None:
    site.start("first", LEADS)
    site.wait(lambda: site.is_daemon("first"))
    process_id = site.supervisor.process_ids["first"]
    site.start("second", WAITS)
    end_sessions(empty_database)
    site.wait(lambda: site.says("first", "the lock is lost"))
    site.wait(lambda: site.is_daemon("second") or site.says("first", LEADS, times=2))
    assert psutil.Process(process_id).is_running()
    leading = [site.says("first", LEADS, times=2), site.says("second", LEADS)]
    assert sorted(leading) == [False, True]
