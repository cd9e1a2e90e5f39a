"""The front door of every test: its own database and an empty Redis."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from quel_dagster.model.job import Payer
from quel_dagster.services.database import connect
from quel_dagster.services.migrations import record_cut_off
from quel_dagster.services.queue import JobQueue
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import make_member
from quel_dagster_tests.intake.door import LEASE, Door


@pytest.fixture
def engine(database: str) -> Iterator[sa.Engine]:
    """A migrated database whose cut-off lies a day back."""
    engine = connect(database)
    record_cut_off(engine, timedelta(days=1))
    yield engine
    engine.dispose()


@pytest.fixture
def door(engine: sa.Engine, redis_url: str) -> Iterator[Door]:
    queue = JobQueue(redis_url, names=("quel_jobs_queue", "jobs:queue"))
    yield Door(
        engine=engine,
        queue=queue,
        store=JobStore(engine, lease=LEASE, price=20),
        customer=Payer(member_id=make_member(engine)),
    )
    queue.close()
