"""What a job has spent of its budget: counted over its attempts, and anew for a new order."""

from datetime import timedelta

import sqlalchemy as sa

from quel_dagster.model.job import Job, Production, prompt_id
from quel_dagster.model.status import JobStatus
from quel_dagster.services import tables
from quel_dagster.services.store import JobStore
from quel_dagster_tests.services.store.jobs import (
    begin,
    change,
    deliver,
    expire,
    planned,
    row,
    rows,
    specs,
)

SERVER = "http://127.0.0.1:8188"


def ask(store: JobStore, job: Job, slot: int, generation: int) -> None:
    spec = specs(slot + 1)[slot]
    store.submit(job.ticket, spec, generation, prompt_id(job.id, slot, generation), SERVER)


def again(store: JobStore, job: Job) -> Job:
    store.release(job.ticket, "the server went away", pause=timedelta(0), most=9)
    return begin(store, job.id, f"run-{job.ticket.attempt + 1}")


def test_the_first_render_of_a_picture_costs_nothing(store: JobStore, engine: sa.Engine) -> None:
    job = planned(store, engine, pictures=3)
    for slot in range(3):
        ask(store, job, slot, 0)
    assert store.spent(job.ticket).renders == 0


def test_every_further_one_counts_whatever_became_of_it_over_all_attempts(
    store: JobStore, engine: sa.Engine
) -> None:
    job = planned(store, engine, pictures=3)
    ask(store, job, 0, 1)
    deliver(store, job, 0)
    ask(store, job, 1, 2)
    store.give_up(job.ticket, 1, "too dark")
    second = again(store, job)
    assert store.spent(second.ticket).renders == 3
    ask(store, second, 2, 1)
    assert store.spent(second.ticket).renders == 4


def test_time_runs_from_the_first_attempt_on(store: JobStore, engine: sa.Engine) -> None:
    job = planned(store, engine)
    began = sa.func.clock_timestamp() - timedelta(minutes=20)
    change(engine, tables.job, job.id, started_at=began)
    second = again(store, job)
    assert (
        timedelta(0)
        <= store.spent(second.ticket).time - timedelta(minutes=20)
        < timedelta(minutes=1)
    )


def order_again(store: JobStore, engine: sa.Engine, job: Job) -> Job:
    """What the front end, or an operator, does to a job that has ended."""
    change(engine, tables.job, job.id, job_status=JobStatus.PENDING)
    return begin(store, job.id, "another-run")


def test_a_job_that_is_ordered_again_has_its_whole_budget_and_tries_what_was_given_up(
    store: JobStore, engine: sa.Engine
) -> None:
    job = planned(store, engine, pictures=4)
    change(engine, tables.job, job.id, started_at=sa.func.clock_timestamp() - timedelta(days=1))
    deliver(store, job, 0)
    ask(store, job, 1, 2)
    store.give_up(job.ticket, 1, "too dark")
    ask(store, job, 2, 1)
    store.settle(job.ticket, Production(cancelled=True))
    fresh = order_again(store, engine, job)
    spent = store.spent(fresh.ticket)
    assert (spent.renders, fresh.ticket.attempt) == (0, 1)
    assert spent.time < timedelta(minutes=1)
    (seen,) = store.look([job.id], timedelta(0), 1)
    assert seen.attempts == 1
    slots = [(s["state"], s["generation"], s["error"]) for s in rows(engine, tables.slot)]
    assert slots == [
        ("delivered", 0, None),
        ("planned", 3, None),
        ("planned", 2, None),
        ("planned", 0, None),
    ]
    ask(store, fresh, 1, 4)
    assert store.spent(fresh.ticket).renders == 1


def test_a_closed_job_may_be_looked_at_as_never_tried(store: JobStore, engine: sa.Engine) -> None:
    job = planned(store, engine)
    store.settle(job.ticket, Production(stopped="wrong"))
    change(engine, tables.job, job.id, job_status=JobStatus.PENDING)
    (seen,) = store.look([job.id], timedelta(0), 1)
    assert seen.attempts == 0


def test_a_new_order_whose_first_run_never_began_has_its_whole_budget_still(
    store: JobStore, engine: sa.Engine
) -> None:
    job = planned(store, engine)
    ask(store, job, 0, 5)
    store.settle(job.ticket, Production())
    change(engine, tables.job, job.id, job_status=JobStatus.PENDING)
    store.reserve("fashion", [(job.id, None)], 9)
    expire(engine, job.id)
    second = begin(store, job.id, "run-2")
    assert (second.ticket.attempt, store.spent(second.ticket).renders) == (2, 0)


def test_a_job_that_ends_says_of_every_missing_picture_why(
    store: JobStore, engine: sa.Engine
) -> None:
    job = planned(store, engine, pictures=4)
    deliver(store, job, 0)
    ask(store, job, 1, 0)
    store.give_up(job.ticket, 2, "too dark")
    why = "slot 1: member has 0 credits"
    outcome = store.settle(job.ticket, Production(stopped=why))
    assert outcome.message == f"{why}; slot 2: too dark"
    assert row(engine, tables.job, job.id)["failed_images"] == 3
    errors = [slot["error"] for slot in rows(engine, tables.slot)]
    assert errors == [None, why, "too dark", why]
    assert {slot["state"] for slot in rows(engine, tables.slot)} == {"delivered", "failed"}
