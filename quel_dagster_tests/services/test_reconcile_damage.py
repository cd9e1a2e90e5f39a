"""Each kind of damage to the books is found and named, with the payer or the picture it hit."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from quel_dagster.services.database import connect
from quel_dagster.services.reconcile import reconcile
from quel_dagster_tests.services.books import delivered

MEMBER, SLOT = "member {member}", "job {job}, slot 0"
CHARGE = "(SELECT ledger_id FROM quel.slot WHERE slot = 0)"
AGAIN = f"""
    INSERT INTO quel_credits
        (user_id, transaction_type, amount, balance_after, attach_idx, api_provider)
    SELECT user_id, transaction_type, amount, balance_after, %s
    FROM quel_credits WHERE id = {CHARGE}
"""
TAKE_20 = "UPDATE quel_member SET quel_member_credit = quel_member_credit - 20"
GIVE_5 = "UPDATE quel_member SET quel_member_credit = quel_member_credit + 5"
FREELY = "SET LOCAL session_replication_role = replica"
"""Without foreign keys and triggers."""
REFUND = """
    INSERT INTO quel_credits (user_id, transaction_type, amount, balance_after)
    SELECT quel_member_id, 'refund', %s, 0 FROM quel_member
"""
NEW_ORGANIZATION = """
    INSERT INTO quel_organization (org_name, owner_id)
    SELECT 'Late', quel_member_id FROM quel_member
"""
SET_PAYER = f"""
    UPDATE quel_credits SET org_id = (SELECT org_id FROM quel_organization) WHERE id = {CHARGE}
"""

DAMAGE = {
    "a deleted charge": (
        [f"DELETE FROM quel_credits WHERE id = {CHARGE}"],
        {("not_charged", SLOT), ("credits_vanished", MEMBER)},
    ),
    "a deleted charge that its slot still names": (
        [FREELY, f"DELETE FROM quel_credits WHERE id = {CHARGE}"],
        {("not_charged", SLOT), ("credits_vanished", MEMBER)},
    ),
    "a charge that became something else": (
        [f"UPDATE quel_credits SET transaction_type = 'refund' WHERE id = {CHARGE}"],
        {("not_charged", SLOT)},
    ),
    "a charge in another server's name": (
        [f"UPDATE quel_credits SET api_provider = 'gemini-banana' WHERE id = {CHARGE}"],
        {("not_charged", SLOT)},
    ),
    "a picture charged twice by us": (
        [
            "DROP INDEX quel_credits_one_charge_per_picture",
            AGAIN % "attach_idx, api_provider",
            TAKE_20,
        ],
        {("charged_twice", SLOT)},
    ),
    "a picture charged by the old server too": (
        [AGAIN % "attach_idx, 'gemini-banana'", TAKE_20],
        {("charged_twice", SLOT)},
    ),
    "a second charge without its deduction": (
        [AGAIN % "attach_idx, 'gemini-banana'"],
        {("charged_twice", SLOT), ("credits_unexplained", MEMBER)},
    ),
    "a charge for nothing": (
        [AGAIN % "NULL, api_provider", TAKE_20],
        {("charge_without_picture", MEMBER)},
    ),
    "a charge whose picture was not delivered": (
        ["UPDATE quel.slot SET state = 'submitted' WHERE slot = 0"],
        {("charge_without_picture", MEMBER)},
    ),
    "charges whose job is gone": (
        ["DELETE FROM quel_production_jobs"],
        {("charge_without_picture", MEMBER)},
    ),
    "a slot that forgot its charge": (
        ["UPDATE quel.slot SET ledger_id = NULL WHERE slot = 0"],
        {("not_charged", SLOT), ("charge_without_picture", SLOT)},
    ),
    "a wrong amount": (
        [f"UPDATE quel_credits SET amount = -15 WHERE id = {CHARGE}", GIVE_5],
        {("wrong_amount", SLOT)},
    ),
    "a slot that forgot its price": (
        ["UPDATE quel.slot SET charged = NULL WHERE slot = 0"],
        {("wrong_amount", SLOT)},
    ),
    "a charge for another picture": (
        [f"UPDATE quel_credits SET attach_idx = NULL WHERE id = {CHARGE}"],
        {("wrong_picture", SLOT)},
    ),
    "a charge that another payer paid": (
        [
            NEW_ORGANIZATION,
            SET_PAYER,
        ],
        {("wrong_payer", SLOT), ("credits_vanished", MEMBER)},
    ),
    "a missing attach row": (
        [FREELY, "DELETE FROM quel_attach WHERE attach_file_name LIKE '000-%'"],
        {("not_attached", SLOT)},
    ),
    "a lowered balance": ([TAKE_20], {("credits_vanished", MEMBER)}),
    "a top-up that was overwritten": ([REFUND % 500], {("credits_vanished", MEMBER)}),
    "a charge that was overwritten": (
        ["UPDATE quel_member SET quel_member_credit = quel_member_credit + 20"],
        {("credits_unexplained", MEMBER)},
    ),
    "a balance that was never set": (
        ["UPDATE quel_member SET quel_member_credit = NULL"],
        {("credits_vanished", MEMBER)},
    ),
    "a negative balance": (
        [REFUND % -1000, "UPDATE quel_member SET quel_member_credit = quel_member_credit - 1000"],
        {("negative_balance", MEMBER)},
    ),
}


@pytest.mark.parametrize(("damage", "expected"), DAMAGE.values(), ids=DAMAGE)
def test_damage_is_found_and_named(
    database: str, damage: Sequence[str], expected: set[tuple[str, str]]
) -> None:
    engine = connect(database)
    job = delivered(engine, pictures=2)
    assert reconcile(engine).findings == ()
    with engine.begin() as tx:
        for statement in damage:
            tx.exec_driver_sql(statement, execution_options={"no_parameters": True})
    done = reconcile(engine)
    assert reconcile(engine, within=timedelta(hours=1)) == done
    names = {"member": job.payer.member_id, "job": job.id}
    named = {(kind, subject.format(**names)) for kind, subject in expected}
    assert {(finding.kind.value, finding.subject) for finding in done.findings} == named
    engine.dispose()
