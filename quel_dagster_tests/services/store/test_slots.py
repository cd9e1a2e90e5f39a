"""The pictures of a job before they are delivered: planned, asked for, given up."""

from datetime import timedelta

import sqlalchemy as sa

from quel_dagster.model.job import Slot, prompt_id
from quel_dagster.model.status import SlotState
from quel_dagster.services import tables
from quel_dagster.services.store import JobStore
from quel_dagster_tests.services.store.jobs import begin, deliver, picture, planned, rows, specs

SERVER = "http://127.0.0.1:8188"


def test_every_picture_gets_a_slot(store: JobStore, engine: sa.Engine) -> None:
    job = planned(store, engine, pictures=3)
    noted = rows(engine, tables.slot)
    assert [(each["slot"], each["state"], each["seed"]) for each in noted] == [
        (0, "planned", 0),
        (1, "planned", 1),
        (2, "planned", 2),
    ]
    assert store.plan(job.ticket, specs(3)) == {
        number: Slot(slot=number, state=SlotState.PLANNED) for number in range(3)
    }


def test_a_render_is_noted_before_it_is_asked_for(store: JobStore, engine: sa.Engine) -> None:
    job = planned(store, engine)
    prompt = prompt_id(job.id, 0, 2)
    store.submit(job.ticket, specs(1)[0], 2, prompt, SERVER)
    (noted,) = rows(engine, tables.slot)
    assert (noted["state"], noted["generation"]) == ("submitted", 2)
    assert (noted["prompt_id"], noted["backend"]) == (prompt, SERVER)
    assert noted["submitted_at"] is not None


def test_the_next_attempt_finds_what_the_last_one_did(store: JobStore, engine: sa.Engine) -> None:
    job = planned(store, engine, pictures=4)
    deliver(store, job, 0)
    store.submit(job.ticket, specs(2)[1], 1, prompt_id(job.id, 1, 1), SERVER)
    store.give_up(job.ticket, 2, "too dark")
    store.release(job.ticket, "the server went away", pause=timedelta(0), most=3)
    second = begin(store, job.id, "run-2")
    assert store.plan(second.ticket, specs(4)) == {
        0: Slot(slot=0, state=SlotState.DELIVERED, key=picture(job, 0).key),
        1: Slot(slot=1, state=SlotState.SUBMITTED, generation=1, backend=SERVER),
        2: Slot(slot=2, state=SlotState.FAILED),
        3: Slot(slot=3, state=SlotState.PLANNED),
    }


def test_a_slot_that_was_given_up_may_be_tried_again(store: JobStore, engine: sa.Engine) -> None:
    job = planned(store, engine)
    store.give_up(job.ticket, 0, "too dark")
    assert rows(engine, tables.slot)[0]["error"] == "too dark"
    store.submit(job.ticket, specs(1)[0], 1, prompt_id(job.id, 0, 1), SERVER)
    assert rows(engine, tables.slot)[0]["error"] is None


def test_a_delivered_slot_is_neither_asked_for_nor_given_up(
    store: JobStore, engine: sa.Engine
) -> None:
    job = planned(store, engine)
    deliver(store, job, 0)
    before = rows(engine, tables.slot)
    store.submit(job.ticket, specs(1)[0], 1, prompt_id(job.id, 0, 1), SERVER)
    store.give_up(job.ticket, 0, "too dark")
    assert rows(engine, tables.slot) == before
