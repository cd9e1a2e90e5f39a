"""docs/api.md tells of every route, setting and figure there is, and of no other figure."""

import re
from pathlib import Path

import pytest

from quel_dagster.api.metrics import Meter
from quel_dagster.api.operations import OPERATIONS, Operation
from quel_dagster.model.serving import ApiSettings
from quel_dagster_tests.api.serving import Api

ROUTES = [f"{each.method} {each.path}" for each in OPERATIONS]
PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("operation", OPERATIONS, ids=ROUTES)
def test_every_route_is_told_of(operation: Operation) -> None:
    assert f"`{operation.method.upper()} {operation.path}`" in PAGE


@pytest.mark.parametrize("key", ApiSettings.model_fields)
def test_every_setting_is_told_of(key: str) -> None:
    assert re.search(rf"`(api\.)?{key}`", PAGE)


def test_every_figure_is_told_of_and_no_other(api: Api) -> None:
    told = set(re.findall(r"`(quel_[a-z_]+)`", PAGE.split("## Metrics")[1]))
    families = {
        family.name: family.type for family in Meter(api.environment, ["fashion"]).collect()
    }
    counted = {f"{name}_total" if kind == "counter" else name for name, kind in families.items()}
    of_servers = {"up", "prompts", "places", "quarantined"}
    assert told - counted <= {f"quel_backend_{what}" for what in of_servers}
    assert counted <= told
