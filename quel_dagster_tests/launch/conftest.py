"""A Dagster instance as `dagster.yaml` ships it, on a database and a broker of the test's own."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.demo.dagster import Launcher, in_schema, write_home
from quel_dagster.demo.stack import DAGSTER_SCHEMA
from quel_dagster.demo.supervisor import Supervisor
from quel_dagster.environment import Environment
from quel_dagster.launch.broker import Broker
from quel_dagster.launch.claims import Claims
from quel_dagster.launch.launcher import WarmRunLauncher
from quel_dagster.services.database import connect
from quel_dagster.services.migrations import record_cut_off
from quel_dagster_tests.house import House
from quel_dagster_tests.launch.hall import Hall, Office

IMPATIENT = """\
  pending: {grace: 1s}
  modules: {fashion: {max_workers: 8}}
"""


@pytest.fixture
def dagster_url(database: str) -> str:
    """Where Dagster's tables will be."""
    engine = connect(database)
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema(DAGSTER_SCHEMA))
    engine.dispose()
    return in_schema(database, DAGSTER_SCHEMA)


@pytest.fixture
def addresses(
    dagster_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """The variables that a process of Dagster's needs, set for this one too."""
    home = tmp_path / "dagster"
    write_home(home, 0, Launcher.WARM)
    found = {
        "DAGSTER_HOME": str(home),
        "QUEL_DAGSTER_DATABASE_URL": dagster_url,
        "QUEL_REDIS_URL": redis_url,
    }
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture
def instance(addresses: Mapping[str, str]) -> Iterator[dg.DagsterInstance]:
    """The instance, with a launcher that has the test's addresses."""
    place = Environment(addresses)
    with dg.DagsterInstance.get() as instance:
        launcher = instance.run_launcher
        assert isinstance(launcher, WarmRunLauncher)
        launcher.broker = Broker(place.broker_url)
        launcher.claims = Claims(place.dagster_engine)
        yield instance
    place.close()


@pytest.fixture
def office(
    variables: dict[str, str], addresses: dict[str, str], instance: dg.DagsterInstance
) -> Iterator[Office]:
    """Runs of jobs that a test makes up, executed in its own process."""
    place = Environment(variables | addresses)
    yield Office(place, instance)
    place.close()


@pytest.fixture
def hall(
    variables: dict[str, str],
    addresses: dict[str, str],
    instance: dg.DagsterInstance,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Hall]:
    """Real workers for real orders; its parameter, if there is one, is the lease."""
    lease: str = getattr(request, "param", "60s")
    config = Path(variables["QUEL_CONFIG"])
    patience = "attempts: {max: 2, backoff: 10ms"
    text = config.read_text().replace(patience, f"{patience}, lease: {lease}")
    config.write_text(
        text.replace(
            "worker:", "worker:\n  pending: {grace: 1s}\n  modules: {fashion: {max_workers: 8}}"
        )
    )
    with (
        ComfyUIProcess(data=tmp_path / "comfyui", seconds=0.5) as comfyui,
        Supervisor(tmp_path / "workers") as supervisor,
    ):
        place = Environment(variables | addresses | {"COMFYUI_URLS": comfyui.url})
        record_cut_off(place.engine, timedelta(days=1))
        yield Hall(House(place, instance), supervisor)
        supervisor.close()
        place.close()
