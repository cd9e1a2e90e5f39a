"""Who is charged for a picture, and the ledger row that proves it.

The balance and the ledger change in the caller's transaction, together or not at all.
"""

from uuid import UUID

import sqlalchemy as sa

from quel_dagster.model.errors import NoCredits
from quel_dagster.model.job import Payer
from quel_dagster.services.statements import load
from quel_dagster.services.tables import LEDGER_PROVIDER, ledger, member, organization

ACTIVE = "active"
"""The only `org_status` whose balance may be spent."""


def charge(
    tx: sa.Connection, payer: Payer, price: int, *, attach_id: int, production_id: UUID
) -> UUID:
    """Takes the price of one picture from its payer.

    Returns:
        The ledger row's id.

    Raises:
        NoCredits: the payer is unknown, not active, or has less than the price.
    """
    if payer.member_id is None:
        raise NoCredits("the job names no quel_member_id, so nobody can be charged")
    org = payer.org_id
    balance = from_organization(tx, org, price) if org else from_member(tx, payer.member_id, price)
    before = {"org_id": org, "member_id": payer.member_id, "balance": balance + price}
    tx.execute(load("reconcile_opening"), before)
    entry = {
        "user_id": payer.member_id,
        "transaction_type": "DEDUCT",
        "amount": -price,
        "balance_after": balance,
        "description": "Organization Generated With Image" if org else "Generated With Image",
        "attach_idx": attach_id,
        "production_idx": production_id,
        "org_id": org,
        "used_by_member_id": payer.member_id if org else None,
        "api_provider": LEDGER_PROVIDER,
    }
    return tx.execute(sa.insert(ledger).values(entry).returning(ledger.c.id)).scalar_one()


def from_member(tx: sa.Connection, member_id: UUID, price: int) -> int:
    """Takes the price from a member; returns what is left.

    Raises:
        NoCredits: there is no such member, or the balance is short.
    """
    this = member.c.quel_member_id == member_id
    credit = member.c.quel_member_credit
    left = tx.scalar(
        sa.update(member)
        .where(this, credit >= price)
        .values(quel_member_credit=credit - price)
        .returning(credit)
    )
    if left is not None:
        return left
    row = tx.execute(sa.select(credit).where(this)).one_or_none()
    if row is None:
        raise NoCredits(f"member {member_id} does not exist")
    raise NoCredits(f"member {member_id} has {row[0] or 0} credits, a picture costs {price}")


def from_organization(tx: sa.Connection, org_id: UUID, price: int) -> int:
    """Takes the price from an organization; returns what is left. Never falls back to the member.

    Raises:
        NoCredits: there is no such organization, it is not active, or the balance is short.
    """
    this = organization.c.org_id == org_id
    credit = organization.c.org_credit
    left = tx.scalar(
        sa.update(organization)
        .where(this, organization.c.org_status == ACTIVE, credit >= price)
        .values(org_credit=credit - price)
        .returning(credit)
    )
    if left is not None:
        return left
    row = tx.execute(sa.select(organization.c.org_status, credit).where(this)).one_or_none()
    if row is None:
        raise NoCredits(f"organization {org_id} does not exist")
    if row.org_status != ACTIVE:
        raise NoCredits(f"organization {org_id} is {row.org_status}; only an active one may spend")
    raise NoCredits(
        f"organization {org_id} has {row.org_credit or 0} credits, a picture costs {price}"
    )
