"""What `quel status` shows of every path."""

from datetime import timedelta

import sqlalchemy as sa

from quel_dagster.model.job import Payer, Production
from quel_dagster.services import tables
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import make_member, place
from quel_dagster_tests.services.store.jobs import begin, change, deliver, planned, reserve, specs

NOTHING = {
    "pending": 0,
    "reserved": 0,
    "running": 0,
    "completed": 0,
    "failed": 0,
    "user_cancelled": 0,
}


def test_an_empty_table_has_no_paths(store: JobStore) -> None:
    assert store.status() == {}


def test_every_path_counts_what_waits_runs_and_ended(store: JobStore, engine: sa.Engine) -> None:
    payer = Payer(member_id=make_member(engine))
    place(engine, payer, path="beauty")
    place(engine, payer, path=None)
    place(engine, payer)
    reserve(store, place(engine, payer))
    planned(store, engine)
    paused = begin(store, place(engine, payer))
    store.release(paused.ticket, "later", pause=timedelta(hours=1), most=3)
    made = planned(store, engine)
    deliver(store, made, 0)
    store.settle(made.ticket, Production())
    for cancelled in False, True, True:
        store.settle(planned(store, engine).ticket, Production(cancelled=cancelled))
    assert store.status() == {
        "beauty": NOTHING | {"pending": 1},
        "fashion": {
            "pending": 2,
            "reserved": 1,
            "running": 1,
            "completed": 1,
            "failed": 1,
            "user_cancelled": 2,
        },
        "none": NOTHING | {"pending": 1},
    }


def test_a_job_counts_for_the_path_that_serves_it(store: JobStore, engine: sa.Engine) -> None:
    job = begin(store, place(engine, Payer(member_id=make_member(engine)), path="sports"))
    store.plan(job.ticket, specs(1))
    assert store.status() == {"fashion": NOTHING | {"running": 1}}


def test_what_ended_yesterday_is_not_counted(store: JobStore, engine: sa.Engine) -> None:
    job = planned(store, engine)
    store.settle(job.ticket, Production())
    yesterday = sa.func.clock_timestamp() - timedelta(hours=25)
    change(engine, tables.job, job.id, completed_at=yesterday)
    still = planned(store, engine)
    change(engine, tables.job, still.id, started_at=yesterday)
    assert store.status() == {"fashion": NOTHING | {"running": 1}}
