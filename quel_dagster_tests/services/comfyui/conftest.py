"""ComfyUI servers for the tests of its client."""

from collections.abc import Iterator

import httpx
import pytest
import sqlalchemy as sa

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.services.comfyui.server import ComfyServer
from quel_dagster.services.database import connect
from quel_dagster_tests.services.comfyui.scripted import Script, serving


@pytest.fixture
def engine(database: str) -> Iterator[sa.Engine]:
    """A pool wide enough for the races."""
    engine = connect(database, pool_size=20)
    yield engine
    engine.dispose()


@pytest.fixture
def script() -> Script:
    """What the server behind `address` answers, and what it was asked."""
    return Script()


@pytest.fixture
def address(script: Script) -> Iterator[str]:
    """Where the script is served."""
    with serving(script) as address:
        yield address


@pytest.fixture
def server(address: str) -> Iterator[ComfyServer]:
    """The client of the script."""
    server = ComfyServer(address + "/", timeout=0.5)
    yield server
    server.close()


@pytest.fixture(scope="session")
def long_lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComfyUIProcess]:
    """One stand-in for all tests that leave it alive."""
    with ComfyUIProcess(data=tmp_path_factory.mktemp("comfyui"), seconds=0.2) as process:
        yield process


@pytest.fixture
def comfyui(long_lived: ComfyUIProcess) -> Iterator[ComfyUIProcess]:
    """A stand-in without faults and without prompts."""
    yield long_lived
    long_lived.faults()
    with httpx.Client(base_url=long_lived.url, trust_env=False) as client:
        client.post("/queue", json={"clear": True}).raise_for_status()
        client.post("/interrupt").raise_for_status()


@pytest.fixture
def mortal() -> Iterator[ComfyUIProcess]:
    """A stand-in that may be killed; its files go when it goes."""
    with ComfyUIProcess(seconds=30.0) as process:
        yield process


@pytest.fixture
def comfy_server(comfyui: ComfyUIProcess) -> Iterator[ComfyServer]:
    """The client of `comfyui`."""
    server = ComfyServer(comfyui.url, timeout=0.5)
    yield server
    server.close()


@pytest.fixture
def frail_server(mortal: ComfyUIProcess) -> Iterator[ComfyServer]:
    """The client of `mortal`."""
    server = ComfyServer(mortal.url, timeout=0.5)
    yield server
    server.close()
