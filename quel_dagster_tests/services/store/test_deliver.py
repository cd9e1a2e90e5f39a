"""One picture, one slot, one transaction: attached, charged and shown together."""

from functools import partial

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import NoResultFound

from quel_dagster.model.job import Payer
from quel_dagster.services import tables
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import make_member, place
from quel_dagster_tests.services.store.jobs import (
    PRICE,
    at_once,
    begin,
    change,
    deliver,
    everything,
    join_photo,
    picture,
    planned,
    row,
    rows,
    specs,
)


def test_a_picture_is_attached_as_production_expects(store: JobStore, engine: sa.Engine) -> None:
    job = planned(store, engine)
    deliver(store, job, 0)
    (attached,) = rows(engine, tables.attach)
    name = f"{job.id}/000-0123456789ab.webp"
    key = f"generated-images/user-{job.payer.member_id}/{name}"
    assert attached == {
        "attach_id": attached["attach_id"],
        "created_at": attached["created_at"],
        "attach_original_name": "000-0123456789ab.webp",
        "attach_file_name": "000-0123456789ab.webp",
        "attach_file_path": key,
        "attach_file_size": 4321,
        "attach_file_type": "image/webp",
        "attach_directory": key,
        "attach_storage_type": "s3",
        "quel_member_id": None,
        "is_favorite": None,
    }


def test_a_slot_remembers_its_picture_and_its_charge(store: JobStore, engine: sa.Engine) -> None:
    job = planned(store, engine)
    store.give_up(job.ticket, 0, "too dark")
    deliver(store, job, 0)
    (slot,) = rows(engine, tables.slot)
    (attached,) = rows(engine, tables.attach)
    (charge,) = rows(engine, tables.ledger)
    assert (slot["state"], slot["error"]) == ("delivered", None)
    assert (slot["attach_id"], slot["s3_key"]) == (attached["attach_id"], picture(job).key)
    assert (slot["ledger_id"], slot["charged"]) == (charge["id"], PRICE)
    assert slot["render_seconds"] == 1.5
    assert slot["delivered_at"] is not None


def test_progress_is_in_slot_order_whatever_the_order_of_delivery(
    store: JobStore, engine: sa.Engine
) -> None:
    job = planned(store, engine, pictures=4)
    ids: dict[int, int] = {}
    for done, number in enumerate((2, 0, 3, 1), start=1):
        deliver(store, job, number)
        ids |= {each["slot"]: each["attach_id"] for each in rows(engine, tables.slot)}
        shown = row(engine, tables.job, job.id)
        assert shown["completed_images"] == done
        assert shown["generated_attach_ids"] == [
            attach_id for _, attach_id in sorted(ids.items()) if attach_id is not None
        ]
    photo = row(engine, tables.photo, job.production_id)
    assert photo["attach_ids"] == [ids[2], ids[0], ids[3], ids[1]]
    assert photo["generated_image_count"] == 4


@pytest.mark.parametrize("known", [[], [7, 8]])
def test_a_photo_keeps_the_pictures_it_has(
    store: JobStore, engine: sa.Engine, known: list[int]
) -> None:
    job = planned(store, engine)
    values = {"attach_ids": known, "generated_image_count": len(known)}
    change(engine, tables.photo, job.production_id, **values)
    deliver(store, job, 0)
    photo = row(engine, tables.photo, job.production_id)
    assert photo["attach_ids"] == [*known, rows(engine, tables.attach)[0]["attach_id"]]
    assert photo["generated_image_count"] == len(known) + 1


def test_the_same_slot_is_delivered_once(store: JobStore, engine: sa.Engine) -> None:
    job = planned(store, engine, pictures=2)
    deliver(store, job, 0)
    before = everything(engine)
    deliver(store, job, 0)
    assert everything(engine) == before


def test_one_slot_delivered_by_many_threads_is_charged_once(
    store: JobStore, engine: sa.Engine
) -> None:
    job = planned(store, engine)
    assert at_once([partial(deliver, store, job, 0)] * 8) == [None] * 8
    assert len(rows(engine, tables.attach)) == len(rows(engine, tables.ledger)) == 1


def test_a_slot_that_nobody_planned_is_not_charged(store: JobStore, engine: sa.Engine) -> None:
    job = planned(store, engine)
    before = everything(engine)
    with pytest.raises(NoResultFound):
        deliver(store, job, 1)
    assert everything(engine) == before


def test_two_jobs_of_one_photo_lose_no_picture(store: JobStore, engine: sa.Engine) -> None:
    payers = [Payer(member_id=make_member(engine)) for _ in range(2)]
    ids = [place(engine, payer, total_images=5) for payer in payers]
    production_id = row(engine, tables.job, ids[0])["production_id"]
    join_photo(engine, production_id, *ids)
    jobs = [begin(store, job_id, f"run-{job_id}") for job_id in ids]
    for job in jobs:
        store.plan(job.ticket, specs(5))
    for number in range(5):
        assert at_once([partial(deliver, store, job, number) for job in jobs]) == [None, None]
    photo = row(engine, tables.photo, production_id)
    attached = [each["attach_id"] for each in rows(engine, tables.attach)]
    assert sorted(photo["attach_ids"]) == attached
    assert photo["generated_image_count"] == len(attached) == 10
    shown = [row(engine, tables.job, job.id)["generated_attach_ids"] for job in jobs]
    assert sorted(shown[0] + shown[1]) == attached


def test_references_are_found_by_their_ids(store: JobStore, engine: sa.Engine) -> None:
    paths = ("uploads/a.webp", None), (None, "upload-b.webp"), ("", "made/c.webp"), ("", None)
    with engine.begin() as tx:
        for path, folder in paths:
            values = {"attach_file_path": path, "attach_directory": folder}
            tx.execute(sa.insert(tables.attach).values(values))
    a, b, c, nameless = (each["attach_id"] for each in rows(engine, tables.attach))
    assert store.reference_keys([a, b, c, nameless, 999]) == {
        a: "uploads/a.webp",
        b: "uploads/upload-b.webp",
        c: "made/c.webp",
    }
    assert store.reference_keys([]) == {}
