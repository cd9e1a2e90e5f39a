"""One migrated database with a store on it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from quel_dagster.services.database import connect
from quel_dagster.services.migrations import record_cut_off
from quel_dagster.services.store import JobStore
from quel_dagster_tests.services.store.jobs import LEASE, PRICE


@pytest.fixture
def engine(database: str) -> Iterator[sa.Engine]:
    """A pool wide enough for the races; the cut-off lies one day back."""
    engine = connect(database, pool_size=20)
    record_cut_off(engine, timedelta(days=1))
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: sa.Engine) -> JobStore:
    return JobStore(engine, lease=LEASE, price=PRICE)
