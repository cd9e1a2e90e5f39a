"""One migrated database with the indexes of the statistics, a few days old."""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
import pytest
import sqlalchemy as sa

from quel_dagster.services.database import connect
from quel_dagster.services.path_hours import PathHours
from quel_dagster_tests.statistics.history import found_house
from quel_dagster_tests.statistics.office import Office


@pytest.fixture
def engine(database: str) -> Iterator[sa.Engine]:
    """A pool; our first day was three days ago."""
    engine = connect(database)
    found_house(engine, timedelta(days=3))
    yield engine
    engine.dispose()


@pytest.fixture
def path_hours(engine: sa.Engine) -> PathHours:
    return PathHours(engine)


@pytest.fixture
def office(engine: sa.Engine) -> Iterator[Office]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Office(engine, instance)
