"""Short leases, a slow server, and a Dagster instance that several processes share."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.environment import Environment
from quel_dagster.services.migrations import record_cut_off
from quel_dagster_tests.house import House
from quel_dagster_tests.outcomes.workshop import Workshop

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
