"""Rows whose JSON PostgreSQL stores and Python cannot hold: opened all the same, then refused."""

from uuid import UUID

import pytest
import sqlalchemy as sa

from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.job import JobRow, Payer
from quel_dagster.model.parsing import parse
from quel_dagster.model.settings import LimitSettings
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import make_member, place
from quel_dagster_tests.services.store.jobs import reserve


def write_input(engine: sa.Engine, job_id: UUID, text: str) -> None:
    """As a front end in another language might: not by way of a Python value."""
    with engine.begin() as tx:
        tx.execute(
            sa.text("UPDATE quel_production_jobs SET job_input_data = :text WHERE job_id = :id"),
            {"text": text, "id": job_id},
        )


def opened(store: JobStore, engine: sa.Engine, text: str) -> JobRow:
    job_id = place(engine, Payer(member_id=make_member(engine)))
    write_input(engine, job_id, text)
    return store.open(reserve(store, job_id), "run-1")


@pytest.mark.parametrize(
    ("number", "got"),
    [("9" * 5000, "Infinity"), ("-" + "9" * 131_000, "-Infinity"), ("1e9000", "Infinity")],
    ids=["5000 digits", "131000 digits", "1e9000"],
)
def test_a_number_beyond_pythons_digits_is_refused_where_it_counts(
    store: JobStore, engine: sa.Engine, number: str, got: str
) -> None:
    row = opened(store, engine, f'{{"combinations": [{{"quantity": {number}}}]}}')
    with pytest.raises(InvalidJob) as refused:
        parse(row, LimitSettings())
    assert str(refused.value) == (
        f"combinations[0].quantity: expected a whole number of 1 or more, got {got}"
    )


def test_such_a_number_in_a_field_that_nobody_reads_does_no_harm(
    store: JobStore, engine: sa.Engine
) -> None:
    row = opened(store, engine, f'{{"basePrompt": "a suit", "cacheKey": {"9" * 5000}}}')
    job = parse(row, LimitSettings())
    assert [order.prompt for order in job.orders] == ["a suit"]
    assert "cacheKey: not used here" in job.warnings


def test_an_input_that_is_nested_too_deeply_is_refused_as_one(
    store: JobStore, engine: sa.Engine
) -> None:
    row = opened(store, engine, '{"basePrompt": ' + "[" * 3000 + "]" * 3000 + "}")
    with pytest.raises(InvalidJob) as refused:
        parse(row, LimitSettings())
    assert str(refused.value) == (
        "job_input_data: expected a JSON object, got one that is nested too deeply"
    )
