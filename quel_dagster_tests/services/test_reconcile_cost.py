"""What the check, and the note that it needs of each first charge, cost beside a long history."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

import pytest
import sqlalchemy as sa

from quel_dagster.model.job import Job
from quel_dagster.services.database import connect
from quel_dagster.services.statements import load
from quel_dagster.services.tables import LEDGER_PROVIDER
from quel_dagster_tests.builders import make_member
from quel_dagster_tests.services.books import delivered

HISTORY = sa.text("""
    INSERT INTO quel_credits (user_id, transaction_type, amount, balance_after, created_at)
    SELECT (ARRAY(SELECT quel_member_id FROM quel_member))[1 + n % 200], 'DEDUCT', -20, 0,
        now() - interval '9 days'
    FROM generate_series(1, 20000) AS n
""")


@pytest.fixture
def engine(database: str) -> Iterator[sa.Engine]:
    """Two hundred members with twenty thousand old charges."""
    engine = connect(database)
    for _ in range(200):
        make_member(engine)
    with engine.begin() as tx:
        tx.execute(HISTORY)
    yield engine
    engine.dispose()


@pytest.fixture
def job(engine: sa.Engine) -> Job:
    """A picture, delivered just now."""
    job = delivered(engine)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE"))
    return job


def explain(engine: sa.Engine, name: str, values: Mapping[str, object]) -> str:
    """The plan of a statement as it was executed; what it did is undone."""
    with engine.connect() as connection:
        analyze = sa.text(f"EXPLAIN (ANALYZE) {load(name).text}")
        return "\n".join(connection.execute(analyze, values).scalars())


@pytest.mark.parametrize("name", ["reconcile_payers", "reconcile_pictures", "reconcile_charges"])
def test_a_check_of_the_last_day_does_not_read_the_whole_ledger(
    engine: sa.Engine, job: Job, name: str
) -> None:
    values = {"within": timedelta(days=1), "provider": LEDGER_PROVIDER}
    plan = explain(engine, name, values)
    assert "on quel_credits" in plan
    assert "Seq Scan on quel_credits" not in plan


def test_only_the_first_charge_of_a_payer_sums_the_ledger(engine: sa.Engine, job: Job) -> None:
    def plan(member_id: object) -> str:
        values = {"org_id": None, "member_id": member_id, "balance": 1000}
        return explain(engine, "reconcile_opening", values)

    reads = [line for line in plan(job.payer.member_id).splitlines() if "on quel_credits" in line]
    assert reads
    assert all("never executed" in line for line in reads)
    assert "Index Cond: (user_id = " in plan(make_member(engine))
