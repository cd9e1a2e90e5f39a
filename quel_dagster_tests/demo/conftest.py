"""A ComfyUI server for the tests of the stand-in: the stand-in itself, or a real server.

Set COMFYUI_TEST_URL to hold a real server (v0.33.0 was measured) against the tests that take
`comfyui` or `client`.
"""

import os
from collections.abc import Iterator

import pytest

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster_tests.demo.comfyui_client import Client, Comfyui


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComfyUIProcess]:
    """One stand-in for all tests that leave it alive."""
    with ComfyUIProcess(data=tmp_path_factory.mktemp("comfyui"), seconds=0.2) as process:
        yield process


@pytest.fixture
def comfyui(request: pytest.FixtureRequest) -> Iterator[Comfyui]:
    """The server that everybody can be held against."""
    if url := os.environ.get("COMFYUI_TEST_URL"):
        comfyui = Comfyui(url)
    else:
        process: ComfyUIProcess = request.getfixturevalue("stand_in")
        process.faults()
        comfyui = Comfyui(process.url, process)
    yield comfyui
    comfyui.close()


@pytest.fixture
def client(comfyui: Comfyui) -> Client:
    """A client of that server."""
    return comfyui.client()
