"""What a tick is shown: who was rung for, and who has waited long enough."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from quel_dagster.model.job import Payer, Production, WaitingRow
from quel_dagster.model.status import JobStatus
from quel_dagster.services import tables
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import SUIT, make_member, place
from quel_dagster_tests.services.store.jobs import begin, change, expire, reserve

GRACE = timedelta(seconds=30)
OLD = timedelta(minutes=5)


@pytest.fixture
def payer(engine: sa.Engine) -> Payer:
    return Payer(member_id=make_member(engine))


def found(store: JobStore, batch: int = 50) -> list[UUID]:
    return [row.job_id for row in store.look([], GRACE, batch)]


def test_a_ring_shows_a_row_that_was_just_written(
    store: JobStore, engine: sa.Engine, payer: Payer
) -> None:
    job_id = place(engine, payer, path="beauty", job_type="simple_general")
    assert store.look([job_id], GRACE, 50) == [
        WaitingRow(
            job_id=job_id,
            status="pending",
            path="beauty",
            job_type="simple_general",
            input_type="object",
            attempts=0,
            rung=True,
            needs_ring=True,
            retouch=False,
        )
    ]


@pytest.mark.parametrize("status", [*JobStatus, None])
def test_a_ring_shows_a_row_whatever_its_state(
    store: JobStore, engine: sa.Engine, payer: Payer, status: JobStatus | None
) -> None:
    job_id = place(engine, payer, age=timedelta(days=30))
    change(engine, tables.job, job_id, job_status=status)
    (row,) = store.look([job_id], GRACE, 50)
    assert (row.status, row.rung) == (status, True)
    assert row.status is None or type(row.status) is str


def test_rings_for_nothing_and_rings_twice_are_harmless(
    store: JobStore, engine: sa.Engine, payer: Payer
) -> None:
    old = place(engine, payer, age=OLD)
    rows = store.look([uuid4(), old, old], GRACE, 50)
    assert [(row.job_id, row.rung) for row in rows] == [(old, True)]


def test_a_row_is_found_without_a_ring_once_it_is_old_enough(
    store: JobStore, engine: sa.Engine, payer: Payer
) -> None:
    place(engine, payer, age=timedelta(seconds=20))
    second = place(engine, payer, age=timedelta(seconds=40))
    first = place(engine, payer, age=timedelta(seconds=50))
    rows = store.look([], GRACE, 50)
    assert [row.job_id for row in rows] == [first, second]
    assert not any(row.rung for row in rows)


def test_every_path_shows_its_oldest_rows_only(
    store: JobStore, engine: sa.Engine, payer: Payer
) -> None:
    paths = ["fashion", "cartoon", None, " Fashion", "sports"]
    placed = {
        path: [place(engine, payer, path=path, age=OLD - timedelta(seconds=n)) for n in range(3)]
        for path in paths
    }
    assert set(found(store, batch=2)) == {job_id for ids in placed.values() for job_id in ids[:2]}


@pytest.mark.parametrize("path", [None, "", "sports", " FASHION "])
def test_a_row_is_found_whatever_path_it_names(
    store: JobStore, engine: sa.Engine, payer: Payer, path: str | None
) -> None:
    place(engine, payer, age=OLD)
    job_id = place(engine, payer, path=path, age=OLD)
    assert [row.path for row in store.look([], GRACE, 50) if row.job_id == job_id] == [path]


@pytest.mark.parametrize("status", [status for status in JobStatus if status != "pending"])
def test_a_row_that_does_not_wait_is_not_found(
    store: JobStore, engine: sa.Engine, payer: Payer, status: JobStatus
) -> None:
    change(engine, tables.job, place(engine, payer, age=OLD), job_status=status)
    assert found(store) == []


@pytest.mark.parametrize("path", ["fashion", None])
def test_a_row_from_before_the_cut_off_is_not_found(
    store: JobStore, engine: sa.Engine, payer: Payer, path: str | None
) -> None:
    place(engine, payer, path=path, age=timedelta(days=1, minutes=1))
    younger = place(engine, payer, path=path, age=timedelta(hours=23))
    assert found(store) == [younger]


@pytest.mark.parametrize("path", ["fashion", None])
def test_a_reserved_row_is_found_again_when_its_lease_is_over(
    store: JobStore, engine: sa.Engine, payer: Payer, path: str | None
) -> None:
    job_id = place(engine, payer, path=path, age=OLD)
    reserve(store, job_id)
    assert found(store) == []
    expire(engine, job_id)
    (row,) = store.look([], GRACE, 50)
    assert (row.job_id, row.attempts) == (job_id, 1)


@pytest.mark.parametrize("path", ["fashion", None])
def test_a_released_row_is_found_again_when_its_pause_is_over(
    store: JobStore, engine: sa.Engine, payer: Payer, path: str | None
) -> None:
    job_id = place(engine, payer, path=path, age=OLD)
    store.release(begin(store, job_id).ticket, "later", pause=timedelta(minutes=1), most=3)
    assert found(store) == []
    change(engine, tables.attempt, job_id, next_try_at=sa.func.clock_timestamp())
    assert found(store) == [job_id]


def test_a_settled_row_is_not_found(store: JobStore, engine: sa.Engine, payer: Payer) -> None:
    store.settle(begin(store, place(engine, payer, age=OLD)).ticket, Production())
    assert found(store) == []


def test_rows_that_cannot_start_do_not_hide_those_that_can(
    store: JobStore, engine: sa.Engine, payer: Payer
) -> None:
    wrecks = [place(engine, payer, age=timedelta(days=2)) for _ in range(3)]
    held = [place(engine, payer, age=OLD) for _ in range(3)]
    for job_id in held:
        reserve(store, job_id)
    free = place(engine, payer, age=timedelta(minutes=1))
    assert found(store, batch=1) == [free]
    assert not set(wrecks) & set(found(store))


@pytest.mark.parametrize(
    ("job_input", "input_type"),
    [
        (SUIT, "object"),
        ({}, "empty"),
        ([], "empty"),
        ([1], "array"),
        ('{"basePrompt": "quoted twice"}', "string"),
        (7, "number"),
        (sa.JSON.NULL, "null"),
    ],
)
def test_the_kind_of_the_input_is_told_without_the_input(
    store: JobStore, engine: sa.Engine, payer: Payer, job_input: object, input_type: str
) -> None:
    job_id = place(engine, payer, input=job_input)
    (row,) = store.look([job_id], GRACE, 50)
    assert row.input_type == input_type


@pytest.mark.parametrize(
    ("job_input", "retouch"),
    [
        ({"maskDataUrl": "data:image/png;base64,iVBORw0KGgo="}, True),
        ({"maskDataUrl": " x "}, True),
        ({"maskDataUrl": ""}, False),
        ({"maskDataUrl": " \n\t"}, False),
        ({"maskDataUrl": None}, False),
        ({"maskDataUrl": 5}, False),
        ({"maskDataUrl": ["x"]}, False),
        ({"layers": [{"maskDataUrl": "x"}]}, False),
        (["maskDataUrl"], False),
        ("maskDataUrl", False),
        (sa.JSON.NULL, False),
    ],
)
@pytest.mark.parametrize("path", [None, "fashion"])
def test_w51_a_row_with_a_mask_is_told_from_others_without_its_input(
    store: JobStore, engine: sa.Engine, payer: Payer, job_input: object, retouch: bool, path: str
) -> None:
    job_id = place(engine, payer, input=job_input, path=path, job_type="simple_general")
    (row,) = store.look([job_id], GRACE, 50)
    assert row.retouch is retouch


def test_an_empty_table_shows_nothing(store: JobStore) -> None:
    assert store.look([], GRACE, 50) == []
    assert store.look([uuid4() for _ in range(200)], GRACE, 50) == []
