"""One migrated database."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from quel_dagster.services.database import connect
from quel_dagster.services.migrations import record_cut_off


@pytest.fixture
def engine(database: str) -> Iterator[sa.Engine]:
    """A pool of connections; the cut-off lies one day back."""
    engine = connect(database)
    record_cut_off(engine, timedelta(days=1))
    yield engine
    engine.dispose()
