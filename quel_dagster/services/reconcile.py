"""Whether the money adds up: balances, the ledger and delivered pictures, held against each other.

Everything is read from one snapshot, so that live traffic makes no difference. How a picture is
charged is known to `credits`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa

from quel_dagster.model.status import SlotState
from quel_dagster.services.database import reaching_postgres
from quel_dagster.services.statements import load
from quel_dagster.services.tables import LEDGER_PROVIDER, opening_balance, slot

LONGEST_STATEMENT = "10min"
"""The whole ledger of years takes longer than any other statement of ours may."""


class Kind(StrEnum):
    """What does not add up."""

    CREDITS_VANISHED = "credits_vanished"
    """A payer has less than the opening balance and the ledger since make."""
    CREDITS_UNEXPLAINED = "credits_unexplained"
    """A payer has more: a warning, because a top-up may come without a ledger row."""
    NEGATIVE_BALANCE = "negative_balance"
    NOT_ATTACHED = "not_attached"
    """A delivered slot has no attach row."""
    NOT_CHARGED = "not_charged"
    """A delivered slot has no ledger row of ours."""
    WRONG_AMOUNT = "wrong_amount"
    WRONG_PICTURE = "wrong_picture"
    """A slot's ledger row is for another attach row than the slot's."""
    WRONG_PAYER = "wrong_payer"
    """The charge went to another than the row of the job names."""
    CHARGED_TWICE = "charged_twice"
    """A ledger row charges a picture that another one has charged."""
    CHARGE_WITHOUT_PICTURE = "charge_without_picture"
    """A ledger row of ours that no delivered slot refers to."""


LOOK_AT = {
    Kind.CREDITS_VANISHED: "deleted ledger rows of charges; writers that lower the balance "
    "without a ledger row, or set it instead of adding to it, and so undo a top-up",
    Kind.CREDITS_UNEXPLAINED: "top-ups without a ledger row, or whose row was deleted; writers "
    "that set the balance instead of adding to it, and so undo a charge",
    Kind.NEGATIVE_BALANCE: "their ledger rows of other api_providers: ours never overdraw",
    Kind.NOT_ATTACHED: "who deleted the row: the customer has paid and has no picture",
    Kind.NOT_CHARGED: "who deleted or changed the ledger row",
    Kind.WRONG_AMOUNT: "who changed the ledger row, or quel.slot.charged",
    Kind.WRONG_PICTURE: "who changed the ledger row, or quel.slot.attach_id",
    Kind.WRONG_PAYER: "who changed the ledger row, or the payer in the job's row",
    Kind.CHARGED_TWICE: "whether another server still serves this job; give one charge back",
    Kind.CHARGE_WITHOUT_PICTURE: "whether the job's row was deleted, and its slots with it; "
    "else give the charge back",
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that does not add up. `subject` is a payer, or a job with its slot."""

    kind: Kind
    subject: str
    expected: str
    found: str

    @property
    def is_error(self) -> bool:
        """Whether money or a picture is wrong; a warning is a difference to look at."""
        return self.kind is not Kind.CREDITS_UNEXPLAINED

    @property
    def look_at(self) -> str:
        """Where the cause is to be sought."""
        return LOOK_AT[self.kind]


@dataclass(frozen=True, kw_only=True)
class Reconciliation:
    """What was held against each other, and what does not add up; no finding is good news."""

    payers: int
    pictures: int
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(finding.is_error for finding in self.findings)


@dataclass(frozen=True, kw_only=True)
class Books:
    """A payer's credits: to begin with, by the ledger since, and now.

    `opening` is what was there before our first charge, and what was accepted later.
    """

    payer: str
    payer_id: UUID
    opening: int
    moved: int
    balance: int

    @property
    def surplus(self) -> int:
        """Credits that nothing explains; below 0 where credits are missing."""
        return self.balance - self.opening - self.moved

    def findings(self) -> Iterator[Finding]:
        """What is wrong with them."""
        if self.surplus:
            vanished = self.surplus < 0
            than = "less" if vanished else "more"
            yield Finding(
                kind=Kind.CREDITS_VANISHED if vanished else Kind.CREDITS_UNEXPLAINED,
                subject=f"{self.payer} {self.payer_id}",
                expected=f"{self.opening + self.moved} credits: {self.opening} to begin with, "
                f"{self.moved:+} by the ledger since",
                found=f"{self.balance} credits, {abs(self.surplus)} {than}",
            )
        if self.balance < 0:
            yield Finding(
                kind=Kind.NEGATIVE_BALANCE,
                subject=f"{self.payer} {self.payer_id}",
                expected="0 credits or more",
                found=f"{self.balance} credits",
            )


def reconcile(
    engine: sa.Engine, *, within: timedelta | None = None, accept: bool = False
) -> Reconciliation:
    """Checks the payers who were charged and the pictures that were delivered lately, or ever.

    For each payer, the balance before our first charge plus what the ledger gained since is the
    balance. For each job, the charges are the delivered slots, each at the price it was charged:
    a slot has one attach row and one ledger row of ours, and no ledger row of ours has no slot.

    Args:
        engine: reaches the product's database.
        within: how far back; None for everything. The cost grows with what happened in it.
        accept: take credits without a ledger row as given: they are reported this time, and count
            as part of the opening balance from then on. Missing credits are never accepted.

    Raises:
        Unavailable: PostgreSQL is out of reach or too slow; or, with `accept`, somebody else
            accepts at the same time.
    """
    values = {"within": within, "provider": LEDGER_PROVIDER}
    with reaching_postgres(), engine.connect() as connection:
        connection.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=not accept
        )
        with connection.begin():
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = '{LONGEST_STATEMENT}'")
            books = [
                Books(**row)
                for row in connection.execute(load("reconcile_payers"), values).mappings()
            ]
            wrong = [
                Finding(**{**row, "kind": Kind(row["kind"])})
                for name in ("reconcile_pictures", "reconcile_charges")
                for row in connection.execute(load(name), values).mappings()
            ]
            pictures = _count_pictures(connection, within)
            if accept:
                _accept(connection, books)
    of_payers = (finding for book in books for finding in book.findings())
    return Reconciliation(payers=len(books), pictures=pictures, findings=(*of_payers, *wrong))


def _count_pictures(connection: sa.Connection, within: timedelta | None) -> int:
    delivered = sa.select(sa.func.count()).where(slot.c.state == SlotState.DELIVERED)
    if within is not None:
        delivered = delivered.where(slot.c.delivered_at > sa.func.now() - within)
    return connection.execute(delivered).scalar_one()


def _accept(connection: sa.Connection, books: list[Books]) -> None:
    """Adds every surplus to its opening balance.

    In the snapshot that found it: whoever accepts at the same time fails and adds nothing.
    """
    account = opening_balance.c
    for book in books:
        if book.surplus > 0:
            connection.execute(
                sa.update(opening_balance)
                .where(account.payer == book.payer, account.payer_id == book.payer_id)
                .values(accepted=account.accepted + book.surplus)
            )
