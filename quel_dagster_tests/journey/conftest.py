"""Houses for the journeys: with a budget of the test's own, and with servers that may be killed."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.pipeline import rendering
from quel_dagster_tests.house import House
from quel_dagster_tests.journey.moments import Build


@pytest.fixture
def build(
    build_house: Callable[[Mapping[str, str]], House],
    variables: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Build:
    """Houses with a budget of the test's own, and little patience."""
    monkeypatch.setattr(rendering, "PAUSE", 0.01)
    config = Path(variables["QUEL_CONFIG"])
    text = config.read_text()

    def build(
        budget: str, *servers: ComfyUIProcess, deadline: str = "10s", side_by_side: int = 1
    ) -> House:
        changed = text.replace("{max: 2,", f"{{max: 3, {budget},")
        changed = changed.replace("deadline: 10s", f"deadline: {deadline}")
        config.write_text(changed.replace("by_side: 1", f"by_side: {side_by_side}"))
        urls = ",".join(server.url for server in servers) or variables["COMFYUI_URLS"]
        return build_house(variables | {"COMFYUI_URLS": urls})

    return build


@pytest.fixture
def second(tmp_path: Path) -> Iterator[ComfyUIProcess]:
    """Another server, which may be killed."""
    with ComfyUIProcess(data=tmp_path / "second", seconds=0.1) as server:
        yield server
