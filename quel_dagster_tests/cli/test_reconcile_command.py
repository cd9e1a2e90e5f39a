"""`quel reconcile`: what an operator reads, what a script reads, and the exit status."""

import json
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from quel_dagster.cli.main import quel
from quel_dagster.environment import here
from quel_dagster.model.job import Job
from quel_dagster.services import tables
from quel_dagster.services.database import connect
from quel_dagster_tests.services.books import delivered
from quel_dagster_tests.services.store.jobs import change


@pytest.fixture
def engine(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.Engine]:
    """A database that the command finds in its environment."""
    monkeypatch.setenv("QUEL_DATABASE_URL", database)
    here.cache_clear()
    engine = connect(database)
    yield engine
    engine.dispose()
    here().close()
    here.cache_clear()


@pytest.fixture
def job(engine: sa.Engine) -> Job:
    """A picture, delivered to a member who had 1000 credits."""
    return delivered(engine)


def set_balance(engine: sa.Engine, job: Job, credit: int) -> None:
    assert job.payer.member_id
    change(engine, tables.member, job.payer.member_id, quel_member_credit=credit)


def command(*arguments: str) -> Result:
    return CliRunner().invoke(quel, ["reconcile", *arguments])


def test_books_in_order_are_one_line(job: Job) -> None:
    done = command()
    assert (done.exit_code, done.stdout) == (0, "payers: 1, pictures: 1, errors: 0, warnings: 0\n")


def test_missing_credits_are_shown_whole_and_fail_the_command(engine: sa.Engine, job: Job) -> None:
    set_balance(engine, job, 930)
    done = command()
    assert done.exit_code == 1
    assert "credits vanished" in done.stdout
    assert f"member {job.payer.member_id}" in done.stdout
    assert "930 credits, 50 less" in done.stdout
    assert "errors: 1, warnings: 0" in done.stdout


def test_a_script_reads_one_object(engine: sa.Engine, job: Job) -> None:
    set_balance(engine, job, 930)
    done = command("--json")
    report = json.loads(done.stdout)
    (finding,) = report.pop("findings")
    assert done.exit_code == 1
    assert report == {"payers": 1, "pictures": 1, "errors": 1, "warnings": 0}
    assert (finding["severity"], finding["kind"]) == ("error", "credits_vanished")
    assert finding["subject"] == f"member {job.payer.member_id}"
    assert finding.keys() == {"severity", "kind", "subject", "expected", "found", "look_at"}


def test_credits_without_a_ledger_row_are_a_warning_until_accepted(
    engine: sa.Engine, job: Job
) -> None:
    set_balance(engine, job, 1480)
    first, second, third = command("--accept"), command(), command("--since", "all")
    assert [done.exit_code for done in (first, second, third)] == [0, 0, 0]
    assert "credits unexplained" in first.stdout
    assert second.stdout == third.stdout == "payers: 1, pictures: 1, errors: 0, warnings: 0\n"


@pytest.mark.parametrize("span", ["a week", "24", "-1h", "99999999999d"])
def test_a_span_that_is_none_is_refused(span: str) -> None:
    done = command("--since", span)
    assert done.exit_code == 2
    assert "--since" in done.stderr
