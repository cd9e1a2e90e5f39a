"""The check that the money adds up: quiet while it does, whatever goes on at the same time."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
import sqlalchemy as sa

from quel_dagster.model.errors import Unavailable
from quel_dagster.model.job import Job, Payer
from quel_dagster.services import tables
from quel_dagster.services.database import connect
from quel_dagster.services.reconcile import Reconciliation, reconcile
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import make_member, make_org
from quel_dagster_tests.services.books import delivered, store_of
from quel_dagster_tests.services.store.jobs import at_once, change, deliver, planned, row, rows

HOUR = timedelta(hours=1)


@pytest.fixture
def engine(database: str) -> Iterator[sa.Engine]:
    engine = connect(database, pool_size=20)
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: sa.Engine) -> JobStore:
    return store_of(engine)


@pytest.fixture
def job(engine: sa.Engine) -> Job:
    """Two pictures, delivered to a member who had 1000 credits."""
    return delivered(engine, pictures=2)


def payer_of(job: Job) -> UUID:
    assert job.payer.member_id
    return job.payer.member_id


def top_up(engine: sa.Engine, member_id: UUID, amount: int, *, entry: bool = True) -> None:
    """What a payment does, in one transaction; or without its ledger row."""
    credit = tables.member.c.quel_member_credit
    with engine.begin() as tx:
        this = tables.member.c.quel_member_id == member_id
        added = sa.update(tables.member).where(this).values(quel_member_credit=credit + amount)
        purchase = {
            "user_id": member_id,
            "transaction_type": "purchase",
            "amount": amount,
            "balance_after": tx.execute(added.returning(credit)).scalar_one(),
        }
        if entry:
            tx.execute(sa.insert(tables.ledger).values(purchase))


def kinds(done: Reconciliation) -> list[str]:
    return [finding.kind for finding in done.findings]


def test_where_nothing_was_charged_there_is_nothing_to_check(engine: sa.Engine) -> None:
    make_member(engine, credit=-15)
    assert reconcile(engine) == Reconciliation(payers=0, pictures=0, findings=())


def test_charges_of_members_and_organizations_add_up(store: JobStore, engine: sa.Engine) -> None:
    person = Payer(member_id=make_member(engine))
    company = Payer(member_id=person.member_id, org_id=make_org(engine))
    for payer in (person, company, company):
        deliver(store, planned(store, engine, pictures=2, payer=payer), 0, 1)
    assert reconcile(engine) == Reconciliation(payers=2, pictures=6, findings=())
    assert [account["balance"] for account in rows(engine, tables.opening_balance)] == [1000, 1000]


def test_what_was_wrong_before_our_first_charge_stays_out_of_it(
    store: JobStore, engine: sa.Engine
) -> None:
    member_id = make_member(engine)
    top_up(engine, member_id, 500)
    change(engine, tables.member, member_id, quel_member_credit=333)
    deliver(store, planned(store, engine, payer=Payer(member_id=member_id)), 0)
    top_up(engine, member_id, 100)
    assert reconcile(engine).findings == ()
    (account,) = rows(engine, tables.opening_balance)
    assert (account["payer"], account["payer_id"]) == ("member", member_id)
    assert (account["balance"], account["ledger"], account["accepted"]) == (333, 500, 0)


def test_a_member_and_the_own_organization_have_books_of_their_own(
    store: JobStore, engine: sa.Engine
) -> None:
    member_id, org_id = make_member(engine), make_org(engine)
    for payer in (Payer(member_id=member_id, org_id=org_id), Payer(member_id=member_id)):
        deliver(store, planned(store, engine, payer=payer), 0)
    change(engine, tables.organization, org_id, org_credit=900)
    (finding,) = reconcile(engine).findings
    assert (finding.kind, finding.subject) == ("credits_vanished", f"organization {org_id}")


def test_two_jobs_and_a_top_up_at_once_add_up_at_every_moment(
    store: JobStore, engine: sa.Engine
) -> None:
    member_id = make_member(engine)
    payer = Payer(member_id=member_id)
    jobs = [planned(store, engine, pictures=10, payer=payer) for _ in range(2)]
    calls: list[Callable[[], object]] = [partial(deliver, store, job, *range(10)) for job in jobs]
    calls += [partial(top_up, engine, member_id, 50) for _ in range(10)]
    calls += [partial(reconcile, engine) for _ in range(6)]
    *done, last = [*at_once(calls), reconcile(engine)]
    assert done[:12] == [None] * 12
    assert [kinds(seen) for seen in done[12:] if isinstance(seen, Reconciliation)] == [[]] * 6
    assert last == Reconciliation(payers=1, pictures=20, findings=())
    assert row(engine, tables.member, member_id)["quel_member_credit"] == 1000 + 500 - 400


def test_a_top_up_without_a_ledger_row_is_a_warning(engine: sa.Engine, job: Job) -> None:
    top_up(engine, payer_of(job), 500, entry=False)
    done = reconcile(engine)
    (finding,) = done.findings
    assert (finding.kind, done.errors) == ("credits_unexplained", 0)
    assert finding.subject == f"member {payer_of(job)}"
    assert finding.expected == "960 credits: 1000 to begin with, -40 by the ledger since"
    assert finding.found == "1460 credits, 500 more"
    assert "top-ups without a ledger row" in finding.look_at


def test_accepted_credits_are_reported_once_and_hide_no_loss(engine: sa.Engine, job: Job) -> None:
    top_up(engine, payer_of(job), 500, entry=False)
    assert kinds(reconcile(engine, accept=True)) == ["credits_unexplained"]
    assert kinds(reconcile(engine)) == []
    change(engine, tables.member, payer_of(job), quel_member_credit=1440)
    (finding,) = reconcile(engine, accept=True).findings
    assert (finding.kind, finding.found) == ("credits_vanished", "1440 credits, 20 less")
    assert kinds(reconcile(engine)) == ["credits_vanished"]


def test_credits_are_accepted_once_however_many_accept_them(engine: sa.Engine, job: Job) -> None:
    top_up(engine, payer_of(job), 500, entry=False)
    answers = at_once([partial(reconcile, engine, accept=True) for _ in range(4)])
    assert any(isinstance(answer, Reconciliation) for answer in answers)
    refused = [answer for answer in answers if not isinstance(answer, Reconciliation)]
    assert all(isinstance(answer, Unavailable) for answer in refused)
    assert rows(engine, tables.opening_balance)[0]["accepted"] == 500


def test_only_what_happened_lately_is_looked_at(
    store: JobStore, engine: sa.Engine, job: Job
) -> None:
    change(engine, tables.member, payer_of(job), quel_member_credit=0)
    long_ago = sa.func.clock_timestamp() - 2 * HOUR
    change(engine, tables.slot, job.id, delivered_at=long_ago, charged=99)
    with engine.begin() as tx:
        tx.execute(sa.update(tables.ledger).values(created_at=long_ago))
    deliver(store, planned(store, engine), 0)
    assert reconcile(engine, within=HOUR) == Reconciliation(payers=1, pictures=1, findings=())
    everything = reconcile(engine)
    assert (everything.payers, everything.pictures) == (2, 3)
    assert kinds(everything) == ["credits_vanished", "wrong_amount", "wrong_amount"]
    top_up(engine, payer_of(job), 100)
    assert kinds(reconcile(engine, within=HOUR)) == ["credits_vanished"]


def test_a_picture_brings_its_payer_up_though_the_ledger_is_empty(
    engine: sa.Engine, job: Job
) -> None:
    with engine.begin() as tx:
        tx.execute(sa.delete(tables.ledger))
    found = kinds(reconcile(engine, within=HOUR))
    assert found == ["credits_vanished", "not_charged", "not_charged"]
