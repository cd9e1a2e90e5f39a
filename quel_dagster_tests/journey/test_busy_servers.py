"""Servers that are full for a long time: an order waits for its turn, and is not failed for it."""

from collections.abc import Iterator

import httpx
import pytest

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.services.comfyui.server import ComfyServer
from quel_dagster_tests.journey.moments import (
    Build,
    Stranger,
    decisions,
    ends,
    is_rendering,
    once,
    order,
    renders,
    serve_again,
)


@pytest.fixture
def crowd(comfyui: ComfyUIProcess) -> Iterator[None]:
    """As many prompts of somebody else as leave no room, until the test ends at the latest."""
    comfyui.faults(render_seconds=60)
    server = ComfyServer(comfyui.url)
    for _ in range(2):
        Stranger(server).submit()
    yield
    disperse(comfyui)
    server.close()


def disperse(comfyui: ComfyUIProcess) -> None:
    for path, body in (("queue", {"clear": True}), ("interrupt", {})):
        httpx.post(f"{comfyui.url}/{path}", json=body, trust_env=False).raise_for_status()


def test_a_job_outlasts_full_servers_however_long_they_are_full(
    build: Build, comfyui: ComfyUIProcess, crowd: None
) -> None:
    """More often than a job may be tried: nothing was tried."""
    house = build("renders: 0", deadline="1s")
    job_id = order(house)
    for _ in range(house.environment.settings.worker.attempts.max + 1):
        [run] = serve_again(house, job_id)
        assert run.is_failure
        assert f"{comfyui.url} is full, with 2 prompts" in house.failure(run)
        assert ends(house, job_id) == ("pending", 0, 0, 0)
    assert house.row(job_id)["retry_count"] == 0
    disperse(comfyui)
    comfyui.faults()
    patient = build("renders: 0", deadline="60s")
    serve_again(patient, job_id)
    assert ends(patient, job_id) == ("completed", 1, 0, 20)
    assert renders(comfyui, job_id) == ["success"]


def test_an_attempt_whose_server_fails_is_counted_though_the_others_are_full(
    build: Build, comfyui: ComfyUIProcess, second: ComfyUIProcess, crowd: None
) -> None:
    """Else a picture that kills its server would be asked for for ever."""
    house = build("renders: 0", second, comfyui, deadline="3s")
    second.faults(render_seconds=30)
    job_id = order(house)
    with once(is_rendering(second, job_id), second.kill):
        [run] = house.serve()
    assert run.is_failure
    assert ends(house, job_id) == ("pending", 0, 0, 0)
    assert house.row(job_id)["retry_count"] == 1
    assert any("is full, with 2 prompts" in line for line in decisions(house))
