"""The reference page says what is true now."""

from pathlib import Path

import pytest

from quel_dagster import categories
from quel_dagster.api.metrics import Meter
from quel_dagster.cli.main import quel
from quel_dagster.definitions import defs
from quel_dagster_tests.docs.reference import page
from quel_dagster_tests.house import House

REFERENCE = Path(__file__).parents[2] / "docs" / "reference.md"


def test_the_reference_is_up_to_date(house: House, pytestconfig: pytest.Config) -> None:
    metrics = Meter(house.environment, categories.paths()).collect()
    written = page(quel, defs(), metrics)
    if pytestconfig.getoption("--regold"):
        REFERENCE.write_text(written, encoding="utf-8")
    assert REFERENCE.read_text(encoding="utf-8") == written


def test_every_row_says_what_it_is() -> None:
    rows = [row for row in REFERENCE.read_text(encoding="utf-8").splitlines() if row[:3] == "| `"]
    assert len(rows) > 60
    assert [row for row in rows if not row.rstrip("|").split("|")[-1].strip()] == []
