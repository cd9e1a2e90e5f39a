"""Who pays for a picture, and that no credit is lost or made up on the way."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from quel_dagster.model.errors import NoCredits
from quel_dagster.model.job import Payer
from quel_dagster.services import tables
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import make_member, make_org
from quel_dagster_tests.services.store.jobs import (
    PRICE,
    at_once,
    deliver,
    everything,
    planned,
    row,
    rows,
)


def member_credit(engine: sa.Engine, member_id: UUID) -> int:
    return row(engine, tables.member, member_id)["quel_member_credit"]


def test_a_member_pays_from_the_own_balance(store: JobStore, engine: sa.Engine) -> None:
    member_id = make_member(engine, credit=50)
    job = planned(store, engine, payer=Payer(member_id=member_id))
    deliver(store, job, 0)
    (entry,) = rows(engine, tables.ledger)
    assert member_credit(engine, member_id) == 30
    assert entry == {
        "id": entry["id"],
        "user_id": member_id,
        "transaction_type": "DEDUCT",
        "amount": -20,
        "balance_after": 30,
        "description": "Generated With Image",
        "attach_idx": rows(engine, tables.attach)[0]["attach_id"],
        "created_at": entry["created_at"],
        "production_idx": job.production_id,
        "org_id": None,
        "used_by_member_id": None,
        "api_provider": "comfyui",
        "updated_at": entry["updated_at"],
    }


def test_an_organization_pays_for_its_member(store: JobStore, engine: sa.Engine) -> None:
    member_id, org_id = make_member(engine, credit=5), make_org(engine, credit=50)
    job = planned(store, engine, payer=Payer(member_id=member_id, org_id=org_id))
    deliver(store, job, 0)
    (entry,) = rows(engine, tables.ledger)
    assert member_credit(engine, member_id) == 5
    assert row(engine, tables.organization, org_id)["org_credit"] == 30
    assert (entry["user_id"], entry["used_by_member_id"]) == (member_id, member_id)
    assert (entry["org_id"], entry["amount"], entry["balance_after"]) == (org_id, -20, 30)
    assert entry["description"] == "Organization Generated With Image"
    assert (entry["attach_idx"], entry["production_idx"]) == (
        rows(engine, tables.attach)[0]["attach_id"],
        job.production_id,
    )


def nobody(engine: sa.Engine) -> tuple[Payer, str]:
    return Payer(member_id=None), "the job names no quel_member_id"


def unknown_member(engine: sa.Engine) -> tuple[Payer, str]:
    return Payer(member_id=uuid4()), "member .* does not exist"


def short_member(engine: sa.Engine) -> tuple[Payer, str]:
    return Payer(member_id=make_member(engine, credit=19)), "has 19 credits, a picture costs 20"


def member_in_debt(engine: sa.Engine) -> tuple[Payer, str]:
    return Payer(member_id=make_member(engine, credit=-15)), "has -15 credits"


def unknown_org(engine: sa.Engine) -> tuple[Payer, str]:
    payer = Payer(member_id=make_member(engine), org_id=uuid4())
    return payer, "organization .* does not exist"


def inactive_org(engine: sa.Engine) -> tuple[Payer, str]:
    org_id = make_org(engine, status="suspended")
    return Payer(member_id=make_member(engine), org_id=org_id), "is suspended; only an active one"


def short_org(engine: sa.Engine) -> tuple[Payer, str]:
    org_id = make_org(engine, credit=19)
    return Payer(member_id=make_member(engine), org_id=org_id), "has 19 credits, a picture costs 20"


@pytest.mark.parametrize(
    "broke",
    [nobody, unknown_member, short_member, member_in_debt, unknown_org, inactive_org, short_org],
)
def test_who_cannot_pay_gets_nothing_and_nobody_pays_instead(
    store: JobStore, engine: sa.Engine, broke: Callable[[sa.Engine], tuple[Payer, str]]
) -> None:
    payer, why = broke(engine)
    job = replace(planned(store, engine), payer=payer)
    before = everything(engine)
    with pytest.raises(NoCredits, match=why):
        deliver(store, job, 0)
    assert everything(engine) == before


def test_a_balance_that_was_never_set_is_empty(store: JobStore, engine: sa.Engine) -> None:
    member_id = make_member(engine)
    with engine.begin() as tx:
        tx.execute(sa.update(tables.member).values(quel_member_credit=None))
    job = planned(store, engine, payer=Payer(member_id=member_id))
    with pytest.raises(NoCredits, match="has 0 credits"):
        deliver(store, job, 0)


def test_pictures_are_delivered_as_far_as_the_balance_goes(
    store: JobStore, engine: sa.Engine
) -> None:
    member_id = make_member(engine, credit=45)
    job = planned(store, engine, pictures=3, payer=Payer(member_id=member_id))
    deliver(store, job, 0, 1)
    with pytest.raises(NoCredits):
        deliver(store, job, 2)
    assert member_credit(engine, member_id) == 5
    assert len(rows(engine, tables.attach)) == 2


def top_up(engine: sa.Engine, member_id: UUID, amount: int) -> None:
    """What a payment does, in one statement."""
    credit = tables.member.c.quel_member_credit
    with engine.begin() as tx:
        this = tables.member.c.quel_member_id == member_id
        tx.execute(sa.update(tables.member).where(this).values(quel_member_credit=credit + amount))


def test_fifty_charges_and_a_top_up_at_once_leave_the_right_balance(
    store: JobStore, engine: sa.Engine
) -> None:
    member_id = make_member(engine, credit=2000)
    payer = Payer(member_id=member_id)
    jobs = [planned(store, engine, payer=payer) for _ in range(50)]
    calls = [partial(deliver, store, job, 0) for job in jobs]
    calls.insert(25, partial(top_up, engine, member_id, 500))
    assert at_once(calls) == [None] * 51
    entries = rows(engine, tables.ledger)
    assert member_credit(engine, member_id) == 1500
    assert sum(entry["amount"] for entry in entries) == -50 * PRICE


@pytest.mark.parametrize("org", [False, True])
def test_sixty_charges_for_fifty_pictures_never_overdraw(
    store: JobStore, engine: sa.Engine, *, org: bool
) -> None:
    member_id = make_member(engine, credit=0 if org else 50 * PRICE)
    org_id = make_org(engine, credit=50 * PRICE) if org else None
    payer = Payer(member_id=member_id, org_id=org_id)
    jobs = [planned(store, engine, payer=payer) for _ in range(60)]
    answers = at_once([partial(deliver, store, job, 0) for job in jobs])
    assert sum(isinstance(answer, NoCredits) for answer in answers) == 10
    assert sum(answer is None for answer in answers) == 50
    left = [entry["balance_after"] for entry in rows(engine, tables.ledger)]
    assert sorted(left) == [PRICE * n for n in range(50)]
    assert member_credit(engine, member_id) == 0
    assert len(rows(engine, tables.attach)) == 50
