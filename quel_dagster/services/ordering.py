"""New orders: who may place one, the photo row and the job row, and the keys of repeated requests.

What happens to a job after that is in `store`.
"""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from quel_dagster.model.errors import InvalidJob, NoCredits
from quel_dagster.model.job import Payer
from quel_dagster.model.ordering import NewJob, OrderKey, Placed
from quel_dagster.services.credits import ACTIVE
from quel_dagster.services.database import reaching_postgres
from quel_dagster.services.tables import job, member, organization, organization_member, photo

order_key = sa.Table(
    "order_key",
    sa.MetaData(),
    sa.Column("member_id", sa.Uuid, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("request", sa.Text, nullable=False),
    sa.Column("job_id", sa.Uuid, nullable=False),
    sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
    schema="quel",
)
"""Under which key an order was placed."""

SHOWN = (
    job.c.job_id,
    job.c.production_id,
    job.c.quel_member_id,
    job.c.org_id,
    job.c.quel_production_path,
    job.c.job_type,
    job.c.job_status,
    job.c.total_images,
    job.c.completed_images,
    job.c.failed_images,
    job.c.generated_attach_ids,
    job.c.error_message,
    job.c.retry_count,
    job.c.estimated_credits,
    job.c.created_at,
    job.c.started_at,
    job.c.completed_at,
    job.c.updated_at,
)
"""The columns of a job that its customer may see."""


class OrderBook:
    """Takes orders and shows how they stand. Both verbs raise `Unavailable` without PostgreSQL.

    Args:
        engine: of the database.
        price: credits per picture.
    """

    def __init__(self, engine: sa.Engine, *, price: int) -> None:
        self._engine = engine
        self._price = price

    def place(self, order: NewJob, key: OrderKey | None = None) -> Placed:
        """Writes the rows of an order, all of them or none; a repeated one finds the first.

        Nothing is charged before a picture is delivered; that the payer can pay for all of them is
        only looked at.

        Raises:
            InvalidJob: the payer is unknown or may not spend, or the key belongs to another order.
            NoCredits: the balance does not cover the pictures.
        """
        with reaching_postgres(), self._engine.begin() as tx:
            if key and not take_key(tx, order, key):
                return placed_before(tx, order.payer, key)
            check_payer(tx, order.payer, order.pictures, self._price)
            return write(tx, order, self._price)

    def read(self, job_id: UUID) -> sa.RowMapping | None:
        """The columns `SHOWN` of a job; None where there is none."""
        with reaching_postgres(), self._engine.connect() as connection:
            found = connection.execute(sa.select(*SHOWN).where(job.c.job_id == job_id))
            return found.mappings().one_or_none()


def take_key(tx: sa.Connection, order: NewJob, key: OrderKey) -> bool:
    """Whether this order is the first under its key.

    While another one is being written it waits for that one's end. A refused order leaves its key
    free.
    """
    values = {
        "member_id": order.payer.member_id,
        "key": key.key,
        "request": key.request,
        "job_id": order.job_id,
    }
    taken = insert(order_key).values(values).on_conflict_do_nothing().returning(order_key.c.key)
    return tx.scalar(taken) is not None


def placed_before(tx: sa.Connection, payer: Payer, key: OrderKey) -> Placed:
    """The order that was placed under a key.

    Raises:
        InvalidJob: it was another one.
    """
    row = tx.execute(
        sa.select(order_key.c.request, job.c.job_id, job.c.production_id)
        .join_from(order_key, job, job.c.job_id == order_key.c.job_id)
        .where(order_key.c.member_id == payer.member_id, order_key.c.key == key.key)
    ).one()
    if row.request != key.request:
        raise InvalidJob("Idempotency-Key", "another order was placed under it; use a new one")
    return Placed(job_id=row.job_id, production_id=row.production_id, repeated=True)


def check_payer(tx: sa.Connection, payer: Payer, pictures: int, price: int) -> None:
    """The member exists, may spend for the organization where one pays, and the balance suffices.

    Raises:
        InvalidJob: an unknown payer, one that is not active, or a stranger to the organization.
        NoCredits: the balance is short.
    """
    this = member.c.quel_member_id == payer.member_id
    row = tx.execute(sa.select(member.c.quel_member_credit).where(this)).one_or_none()
    if row is None:
        raise InvalidJob("quel_member_id", f"there is no member {payer.member_id}")
    balance = row[0] if payer.org_id is None else balance_of(tx, payer.org_id, payer.member_id)
    cost = pictures * price
    if (balance or 0) < cost:
        who = f"organization {payer.org_id}" if payer.org_id else f"member {payer.member_id}"
        has = f"{who} has {balance or 0} credits"
        raise NoCredits(f"{has}, {pictures} pictures cost {cost}")


def balance_of(tx: sa.Connection, org_id: UUID, member_id: UUID | None) -> int | None:
    """What an organization has, for a member who may spend it (W-25).

    Raises:
        InvalidJob: it does not exist, is not active, or the member does not belong to it.
    """
    columns = organization.c.org_status, organization.c.org_credit
    row = tx.execute(sa.select(*columns).where(organization.c.org_id == org_id)).one_or_none()
    if row is None:
        raise InvalidJob("org_id", f"there is no organization {org_id}")
    if row.org_status != ACTIVE:
        problem = f"organization {org_id} is {row.org_status}; only an active one may spend"
        raise InvalidJob("org_id", problem)
    belongs = sa.select(organization_member.c.id).where(
        organization_member.c.org_id == org_id,
        organization_member.c.member_id == member_id,
        organization_member.c.status == ACTIVE,
    )
    if tx.scalar(belongs) is None:
        raise InvalidJob("org_id", f"member {member_id} is no active member of it")
    return row.org_credit


def write(tx: sa.Connection, order: NewJob, price: int) -> Placed:
    """Writes the photo and its one job."""
    ours = {
        "quel_member_id": order.payer.member_id,
        "org_id": order.payer.org_id,
        "quel_production_path": order.path,
    }
    new_photo = sa.insert(photo).values(
        **ours,
        production_name=order.name,
        production_description=order.description,
        total_quantity=order.pictures,
    )
    production_id = tx.execute(new_photo.returning(photo.c.production_id)).scalar_one()
    is_stage = order.job_type == "pipeline_stage"
    tx.execute(
        sa.insert(job).values(
            **ours,
            job_id=order.job_id,
            production_id=production_id,
            job_type=order.job_type,
            stage_index=0 if is_stage else None,
            batch_index=None if is_stage else 0,
            total_images=order.pictures,
            job_input_data=order.input,
            estimated_credits=order.pictures * price,
        )
    )
    return Placed(job_id=order.job_id, production_id=production_id)
