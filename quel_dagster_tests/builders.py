"""Members, organizations, orders and stores, as the tests need them."""

from datetime import timedelta
from itertools import count
from uuid import UUID

import sqlalchemy as sa

from quel_dagster.demo.front_end import FrontEnd, NewOrder
from quel_dagster.model.job import Payer
from quel_dagster.services.database import connect
from quel_dagster.services.migrations import record_cut_off
from quel_dagster.services.store import JobStore
from quel_dagster.services.tables import job, member, organization

SUIT: dict[str, object] = {"basePrompt": "linen suit, late summer terrace"}
"""An order for one picture."""

_numbers = count(1)


def make_member(engine: sa.Engine, credit: int = 1000) -> UUID:
    number = next(_numbers)
    row = {
        "quel_email": f"member{number}@example.test",
        "quel_name": f"Member {number}",
        "provider": "example",
        "provider_sub": f"{number}",
        "quel_member_credit": credit,
    }
    with engine.begin() as tx:
        key = member.c.quel_member_id
        return tx.execute(sa.insert(member).values(row).returning(key)).scalar_one()


def make_org(engine: sa.Engine, credit: int = 1000, status: str = "active") -> UUID:
    """An organization with an owner of its own."""
    row = {
        "org_name": f"Studio {next(_numbers)}",
        "owner_id": make_member(engine),
        "org_credit": credit,
        "org_status": status,
    }
    with engine.begin() as tx:
        key = organization.c.org_id
        return tx.execute(sa.insert(organization).values(row).returning(key)).scalar_one()


def place(
    engine: sa.Engine,
    payer: Payer,
    *,
    path: str | None = "fashion",
    input: object = SUIT,  # noqa: A002 - the word of the front end
    total_images: int = 1,
    job_type: str = "single_batch",
    age: timedelta = timedelta(0),
) -> UUID:
    """A waiting job that is `age` old, as the front end writes it; nobody has rung for it."""
    order = NewOrder(
        path=path, input=input, payer=payer, total_images=total_images, job_type=job_type
    )
    placed = FrontEnd(engine, None).place(order)
    with engine.begin() as tx:
        born = sa.func.clock_timestamp() - age
        tx.execute(sa.update(job).where(job.c.job_id == placed).values(created_at=born))
    return placed


def make_store(url: str, lease: timedelta = timedelta(seconds=60), price: int = 20) -> JobStore:
    """A store of a database whose cut-off is recorded, a day back unless it already was."""
    engine = connect(url)
    record_cut_off(engine, timedelta(days=1))
    return JobStore(engine, lease=lease, price=price)


def job_row(engine: sa.Engine, job_id: UUID) -> sa.RowMapping:
    """A job's row as it stands."""
    with engine.connect() as connection:
        found = connection.execute(sa.select(job).where(job.c.job_id == job_id))
        return found.mappings().one()
