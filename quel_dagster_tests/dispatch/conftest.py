"""A front door with several who may stand at it, on a database and a Redis of the test's own."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import dagster as dg
import pytest

from quel_dagster.model.job import Payer
from quel_dagster.services.database import connect
from quel_dagster.services.migrations import record_cut_off
from quel_dagster.services.queue import JobQueue
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import make_member
from quel_dagster_tests.dispatch.porch import LISTS, Porch
from quel_dagster_tests.intake.door import LEASE, Door


@pytest.fixture
def porch(database: str, redis_url: str) -> Iterator[Porch]:
    engine = connect(database, pool_size=20)
    record_cut_off(engine, timedelta(days=1))
    queue = JobQueue(redis_url, names=LISTS)
    door = Door(
        engine=engine,
        queue=queue,
        store=JobStore(engine, lease=LEASE, price=20),
        customer=Payer(member_id=make_member(engine)),
    )
    with ExitStack() as exits:
        exits.callback(engine.dispose)
        exits.callback(queue.close)
        instance = exits.enter_context(dg.DagsterInstance.ephemeral())
        yield Porch(door=door, instance=instance, url=redis_url, exits=exits)
