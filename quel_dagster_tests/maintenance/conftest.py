"""A migrated database in an environment that has nothing else, and an instance to keep runs."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from quel_dagster.environment import Environment
from quel_dagster.services.migrations import record_cut_off
from quel_dagster_tests.conftest import CONFIG


@pytest.fixture
def place(database: str, tmp_path: Path) -> Iterator[Environment]:
    """The cut-off lies one day back."""
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG)
    environment = Environment({"QUEL_DATABASE_URL": database, "QUEL_CONFIG": str(config)})
    record_cut_off(environment.engine, timedelta(days=1))
    yield environment
    environment.close()


@pytest.fixture
def engine(place: Environment) -> sa.Engine:
    return place.engine


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance
