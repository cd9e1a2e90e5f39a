"""Jobs in the state a test needs them in, and the rows as they stand."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import TypeVar
from uuid import UUID

import sqlalchemy as sa

from quel_dagster.model.errors import QuelError
from quel_dagster.model.job import Job, JobRow, Order, Payer, Picture, Ticket
from quel_dagster.model.spec import Scene, Spec
from quel_dagster.services import tables
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import make_member, place

LEASE = timedelta(seconds=60)
A_MOMENT = timedelta(seconds=1)
"""More than passes between two readings of the clock in one statement."""

PRICE = 20
ROOM = 1000
"""A limit that no test reaches."""

T = TypeVar("T")


def reserve(store: JobStore, job_id: UUID, path: str = "fashion") -> Ticket:
    (reservation,) = store.reserve(path, [(job_id, None)], ROOM)
    return reservation.ticket


def begin(store: JobStore, job_id: UUID, run_id: str = "run-1") -> Job:
    """A job that is reserved and opened, as its run holds it."""
    return as_job(store.open(reserve(store, job_id), run_id))


def as_job(row: JobRow) -> Job:
    return Job(
        ticket=row.ticket,
        path=row.path,
        requested_path=row.requested_path,
        job_type=row.job_type,
        production_id=row.production_id,
        payer=row.payer,
        orders=tuple(Order(slot=number, prompt="a suit") for number in range(row.total_images)),
    )


def specs(pictures: int) -> list[Spec]:
    return [
        Spec(slot=number, scene=Scene(description="a suit"), width=64, height=64, seed=number)
        for number in range(pictures)
    ]


def planned(
    store: JobStore, engine: sa.Engine, pictures: int = 1, payer: Payer | None = None
) -> Job:
    """A job in progress with its slots noted, of a member with 1000 credits unless told."""
    payer = payer or Payer(member_id=make_member(engine))
    job = begin(store, place(engine, payer, total_images=pictures))
    store.plan(job.ticket, specs(pictures))
    return job


def picture(job: Job, slot: int = 0) -> Picture:
    key = f"generated-images/user-{job.payer.member_id}/{job.id}/{slot:03}-0123456789ab.webp"
    return Picture(
        slot=slot, key=key, size=4321, seed=slot, backend="http://127.0.0.1", seconds=1.5
    )


def deliver(store: JobStore, job: Job, *numbers: int) -> None:
    for number in numbers:
        store.deliver(job, picture(job, number))


def change(engine: sa.Engine, table: sa.Table, key: UUID, **values: object) -> None:
    """Changes one row behind the store's back, by its first column."""
    with engine.begin() as tx:
        tx.execute(sa.update(table).where(next(iter(table.c)) == key).values(values))


def expire(engine: sa.Engine, job_id: UUID) -> None:
    """Lets the lease of a job's attempt have run out, so long ago that no sweep can be about."""
    lapse(engine, job_id, LEASE * 2)


def lapse(engine: sa.Engine, job_id: UUID, ago: timedelta = timedelta(0)) -> None:
    """Lets the lease of a job's attempt have run out a while ago."""
    over = sa.func.clock_timestamp() - ago
    change(engine, tables.attempt, job_id, leased_until=over)


def join_photo(engine: sa.Engine, production_id: UUID, *job_ids: UUID) -> None:
    """Makes jobs part of one photo."""
    for job_id in job_ids:
        change(engine, tables.job, job_id, production_id=production_id)


def rows(engine: sa.Engine, table: sa.Table) -> Sequence[sa.RowMapping]:
    """A whole table, in the order of its key."""
    with engine.connect() as connection:
        return connection.execute(sa.select(table).order_by(*table.primary_key)).mappings().all()


def row(engine: sa.Engine, table: sa.Table, key: UUID) -> sa.RowMapping:
    """One row by its first column."""
    (found,) = [each for each in rows(engine, table) if key == next(iter(each.values()))]
    return found


def everything(engine: sa.Engine) -> dict[str, Sequence[sa.RowMapping]]:
    """All rows that the store may write, to compare before and after."""
    written = (
        tables.member,
        tables.organization,
        tables.attach,
        tables.photo,
        tables.job,
        tables.ledger,
        tables.attempt,
        tables.slot,
    )
    return {table.name: rows(engine, table) for table in written}


def at_once(calls: Iterable[Callable[[], T]]) -> list[T | QuelError]:
    """Lets every call go at the same moment, each in a thread; what they return or raise."""
    waiting = list(calls)
    gate = Barrier(len(waiting))

    def pass_gate(call: Callable[[], T]) -> T | QuelError:
        gate.wait(timeout=30)
        try:
            return call()
        except QuelError as error:
            return error

    with ThreadPoolExecutor(len(waiting)) as pool:
        return list(pool.map(pass_gate, waiting))
