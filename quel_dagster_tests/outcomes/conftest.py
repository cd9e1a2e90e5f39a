"""Houses with short leases, a slow server and a Dagster instance to share; desks with no house."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.demo.dagster import in_schema
from quel_dagster.environment import Environment
from quel_dagster.services.database import connect
from quel_dagster.services.migrations import record_cut_off
from quel_dagster.services.store import JobStore
from quel_dagster_tests.house import House
from quel_dagster_tests.outcomes.desk import Desk
from quel_dagster_tests.outcomes.workshop import Workshop
from quel_dagster_tests.services.store.jobs import LEASE

SECONDS = 1.0
"""What a picture takes: long enough to be struck in the middle of one."""


@pytest.fixture
def workshop(
    variables: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Workshop]:
    """Its parameter, if there is one, is what a picture takes."""
    seconds: float = getattr(request, "param", SECONDS)
    config = Path(variables["QUEL_CONFIG"])
    patience = "attempts: {max: 2, backoff: 10ms"
    config.write_text(config.read_text().replace(patience, f"{patience}, lease: 2s"))
    home = tmp_path / "dagster"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}")
    with (
        ComfyUIProcess(data=tmp_path / "comfyui", seconds=seconds) as comfyui,
        dg.DagsterInstance.from_config(str(home)) as instance,
    ):
        environment = Environment(variables | {"COMFYUI_URLS": comfyui.url})
        record_cut_off(environment.engine, timedelta(days=1))
        shop = Workshop(House(environment, instance), home, comfyui)
        yield shop
        for process in shop.started:
            process.kill()
            process.wait()
        environment.close()


@pytest.fixture
def desk(database: str) -> Iterator[Desk]:
    engine = connect(database, pool_size=20)
    record_cut_off(engine, timedelta(days=1))
    with dg.DagsterInstance.ephemeral() as instance:
        yield Desk(engine, JobStore(engine, lease=LEASE, price=20), instance)
    engine.dispose()


@pytest.fixture
def shared_desk(desk: Desk, database: str, tmp_path: Path) -> Iterator[Desk]:
    """The same with Dagster's tables in PostgreSQL, where several may write at once."""
    with desk.engine.begin() as tx:
        tx.execute(sa.schema.CreateSchema("dagster"))
    url = in_schema(database, "dagster")
    config = {"storage": {"postgres": {"postgres_url": url}}, "telemetry": {"enabled": False}}
    (tmp_path / "dagster.yaml").write_text(json.dumps(config))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield replace(desk, instance=instance)
