"""The migrated tables: as `tables` describes them, and as strict as the given ones are."""

from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError

from quel_dagster.model.status import JobStatus, Phase, PhotoStatus, SlotState
from quel_dagster.services import tables
from quel_dagster.services.backend_book import backend, backend_place
from quel_dagster.services.counters import counter
from quel_dagster.services.database import connect
from quel_dagster.services.limits import path_limit
from quel_dagster.services.ordering import order_key
from quel_dagster.services.outbox import alert, alert_message
from quel_dagster.services.path_hours import late_hour, path_hour

OURS = [
    tables.attempt,
    tables.slot,
    tables.opening_balance,
    tables.cut_off,
    tables.migration,
    counter,
    order_key,
    path_hour,
    late_hour,
    path_limit,
    alert,
    alert_message,
    *(backend, backend_place),
]
GIVEN = [
    tables.member,
    tables.organization,
    tables.organization_member,
    tables.attach,
    tables.photo,
    tables.job,
    tables.ledger,
]
DIALECT = postgresql.dialect()


@pytest.fixture
def connection(database: str) -> Iterator[sa.Connection]:
    """A connection to a migrated database; what a test writes is rolled back."""
    engine = connect(database)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def insert(connection: sa.Connection, table: sa.Table, **values: object) -> sa.RowMapping:
    """One row, returned as the database has it."""
    return connection.execute(sa.insert(table).values(values).returning(table)).mappings().one()


def new_member(connection: sa.Connection) -> UUID:
    row = insert(
        connection, tables.member, quel_email="a@quel.test", provider="google", provider_sub="1"
    )
    return row["quel_member_id"]


def new_job(connection: sa.Connection, **values: object) -> sa.RowMapping:
    photo = insert(connection, tables.photo, production_name="Summer")
    job = {"job_type": "single_batch", "batch_index": 0, "total_images": 1, "job_input_data": {}}
    return insert(connection, tables.job, production_id=photo["production_id"], **(job | values))


def new_attempt(connection: sa.Connection, **values: object) -> sa.RowMapping:
    job_id: UUID = new_job(connection)["job_id"]
    attempt = {"path": "fashion", "attempt": 1, "claim_id": uuid4(), "phase": Phase.RESERVED}
    return insert(connection, tables.attempt, job_id=job_id, **(attempt | values))


def new_slot(connection: sa.Connection, **values: object) -> sa.RowMapping:
    job_id: UUID = new_job(connection)["job_id"]
    return insert(
        connection, tables.slot, job_id=job_id, **({"slot": 0, "state": SlotState.PLANNED} | values)
    )


def new_charge(connection: sa.Connection, **values: object) -> sa.RowMapping:
    charge = {"transaction_type": "DEDUCT", "amount": -20, "balance_after": 0}
    return insert(
        connection,
        tables.ledger,
        **(charge | {"api_provider": tables.LEDGER_PROVIDER} | values),
    )


@pytest.mark.parametrize("table", [*GIVEN, *OURS], ids=str)
def test_every_described_column_is_in_the_database(
    connection: sa.Connection, table: sa.Table
) -> None:
    columns = sa.inspect(connection).get_columns(table.name, schema=table.schema)
    actual = {c["name"]: (c["type"].compile(DIALECT), c["nullable"]) for c in columns}
    for column in table.columns:
        assert actual[column.name] == (column.type.compile(DIALECT), column.nullable), column


@pytest.mark.parametrize("table", OURS, ids=str)
def test_our_own_tables_are_described_whole_and_documented(
    connection: sa.Connection, table: sa.Table
) -> None:
    columns = sa.inspect(connection).get_columns(table.name, schema="quel")
    assert [c["name"] for c in columns] == [c.name for c in table.columns]
    assert sa.inspect(connection).get_table_comment(table.name, schema="quel")["text"]


def test_we_own_nothing_that_is_not_described(connection: sa.Connection) -> None:
    assert set(sa.inspect(connection).get_table_names("quel")) == {table.name for table in OURS}


@pytest.mark.parametrize(
    ("name", "statuses"), [("job_status_enum", JobStatus), ("production_status_enum", PhotoStatus)]
)
def test_the_enums_know_every_status(
    connection: sa.Connection, name: str, statuses: type[StrEnum]
) -> None:
    values = connection.execute(sa.text(f"SELECT unnest(enum_range(NULL::{name}))::text"))
    assert list(values.scalars()) == list(statuses)


@pytest.mark.parametrize(
    ("job_type", "stage_index", "batch_index", "accepted"),
    [
        ("single_batch", None, 0, True),
        ("simple_general", None, 0, True),
        ("simple_portrait", None, 3, True),
        ("pipeline_stage", 0, None, True),
        ("single_batch", None, None, False),
        ("single_batch", 0, 0, False),
        ("simple_general", 0, None, False),
        ("simple_portrait", None, None, False),
        ("pipeline_stage", None, None, False),
        ("pipeline_stage", 0, 0, False),
        ("pipeline_stage", None, 0, False),
        ("modify", None, 0, False),
        ("multiview_360", 0, None, False),
    ],
)
def test_a_job_has_a_stage_or_a_batch_as_its_type_wants(
    connection: sa.Connection,
    job_type: str,
    stage_index: int | None,
    batch_index: int | None,
    *,
    accepted: bool,
) -> None:
    values = {"job_type": job_type, "stage_index": stage_index, "batch_index": batch_index}
    if accepted:
        assert new_job(connection, **values)["job_type"] == job_type
    else:
        with pytest.raises(IntegrityError, match="violates check constraint"):
            new_job(connection, **values)


def test_a_new_job_has_the_given_defaults(connection: sa.Connection) -> None:
    row = new_job(connection)
    assert row["job_status"] is JobStatus.PENDING
    assert (row["completed_images"], row["failed_images"], row["retry_count"]) == (0, 0, 0)
    assert row["generated_attach_ids"] == []
    assert row["created_at"] == row["updated_at"]


def test_statuses_are_compared_in_the_type_of_the_column(connection: sa.Connection) -> None:
    new_job(connection)
    assert new_job(connection, job_status=None)["job_status"] is None
    pending = sa.select(tables.job).where(tables.job.c.job_status == JobStatus.PENDING)
    assert len(connection.execute(pending).all()) == 1


def test_a_changed_job_notes_when(connection: sa.Connection) -> None:
    long_ago = datetime(2025, 1, 1, tzinfo=UTC)
    new_job(connection, updated_at=long_ago)
    column = tables.job.c.updated_at
    change = sa.update(tables.job).values(completed_images=1).returning(column)
    assert connection.execute(change).scalar_one() > long_ago


@pytest.mark.parametrize("phase", Phase)
def test_an_attempt_is_in_one_of_our_phases(connection: sa.Connection, phase: Phase) -> None:
    assert new_attempt(connection, phase=phase)["crash_count"] == 0
    with pytest.raises(IntegrityError, match="attempt_phase_check"):
        new_attempt(connection, phase=f"not {phase}")


def test_a_delivered_slot_has_its_picture(connection: sa.Connection) -> None:
    delivered = {"state": SlotState.DELIVERED, "attach_id": 7, "s3_key": "a.webp"}
    assert new_slot(connection, **delivered)["generation"] == 0
    with pytest.raises(IntegrityError, match="slot_delivered_is_attached"):
        new_slot(connection, **(delivered | {"attach_id": None}))


def test_two_slots_never_share_a_picture(connection: sa.Connection) -> None:
    new_slot(connection, attach_id=7)
    with pytest.raises(IntegrityError, match="slot_attach_id_key"):
        new_slot(connection, attach_id=7)


def test_the_front_end_deletes_what_it_likes(connection: sa.Connection) -> None:
    picture: int = insert(connection, tables.attach)["attach_id"]
    charge: UUID = new_charge(connection, user_id=new_member(connection))["id"]
    new_slot(connection, attach_id=picture, ledger_id=charge, charged=20)
    connection.execute(sa.delete(tables.attach))
    connection.execute(sa.delete(tables.ledger))
    slot = connection.execute(sa.select(tables.slot)).mappings().one()
    assert (slot["attach_id"], slot["ledger_id"], slot["charged"]) == (picture, None, 20)

    new_attempt(connection)
    connection.execute(sa.delete(tables.photo))
    assert connection.execute(sa.select(tables.attempt)).all() == []
    assert connection.execute(sa.select(tables.slot)).all() == []


def test_the_ledger_takes_one_charge_of_ours_for_a_picture(connection: sa.Connection) -> None:
    who_and_what = {
        "user_id": new_member(connection),
        "attach_idx": insert(connection, tables.attach)["attach_id"],
    }
    for _ in range(2):
        new_charge(connection, **who_and_what, api_provider="gemini-banana")
        new_charge(connection, **who_and_what, transaction_type="refund", amount=20)
    new_charge(connection, **who_and_what)
    with pytest.raises(IntegrityError, match="quel_credits_one_charge_per_picture"):
        new_charge(connection, **who_and_what)


def test_the_oldest_pending_jobs_of_a_path_are_read_from_an_index(
    connection: sa.Connection,
) -> None:
    connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
    plan = connection.execute(
        sa.text("""
            EXPLAIN SELECT job_id FROM quel_production_jobs
            WHERE job_status = 'pending' AND quel_production_path = 'fashion'
            ORDER BY created_at, job_id LIMIT 10
        """)
    ).scalars()
    text = "\n".join(plan)
    assert "quel_production_jobs_pending" in text
    assert "Sort" not in text
