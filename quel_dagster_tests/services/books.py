"""Pictures that were delivered and charged, for whoever looks at the books afterwards."""

from datetime import timedelta

import sqlalchemy as sa

from quel_dagster.model.job import Job
from quel_dagster.services.migrations import record_cut_off
from quel_dagster.services.store import JobStore
from quel_dagster_tests.services.store.jobs import LEASE, PRICE, deliver, planned


def store_of(engine: sa.Engine) -> JobStore:
    """A store on a database without old wrecks."""
    record_cut_off(engine, timedelta(days=1))
    return JobStore(engine, lease=LEASE, price=PRICE)


def delivered(engine: sa.Engine, pictures: int = 1) -> Job:
    """A job whose pictures were delivered to a member who had 1000 credits."""
    store = store_of(engine)
    job = planned(store, engine, pictures)
    deliver(store, job, *range(pictures))
    return job
