"""One migrated database, its outbox, and a receiver of webhooks."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from quel_dagster.services.database import connect
from quel_dagster.services.migrations import record_cut_off
from quel_dagster.services.outbox import Outbox
from quel_dagster_tests.alerting.receiver import Receiver, receiver


@pytest.fixture
def engine(database: str) -> Iterator[sa.Engine]:
    """A pool of connections; the cut-off lies one day back."""
    engine = connect(database)
    record_cut_off(engine, timedelta(days=1))
    yield engine
    engine.dispose()


@pytest.fixture
def outbox(engine: sa.Engine) -> Outbox:
    return Outbox(engine)


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as listening:
        yield listening
