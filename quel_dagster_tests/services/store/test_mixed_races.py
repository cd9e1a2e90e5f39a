"""Everything at once on a handful of jobs of one photo: no deadlock, and the books are right."""

from datetime import timedelta
from random import Random
from uuid import UUID

import sqlalchemy as sa

from quel_dagster.model.errors import TicketLost
from quel_dagster.model.job import Job, Payer, Production
from quel_dagster.model.status import JobStatus, PhotoStatus
from quel_dagster.services import tables
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import make_member, make_org, place
from quel_dagster_tests.services.store.jobs import (
    PRICE,
    as_job,
    at_once,
    change,
    deliver,
    expire,
    join_photo,
    row,
    rows,
    specs,
)

WORKERS = 12
ROUNDS = 60
SLOTS = 30
CREDIT = 100_000
OWNER_CREDIT = 1000
PATHS = ["fashion", "beauty"]


def one_photo(engine: sa.Engine) -> list[UUID]:
    """Eight jobs of one photo, of two members and an organization."""
    first, second = (Payer(member_id=make_member(engine, CREDIT)) for _ in range(2))
    company = Payer(member_id=first.member_id, org_id=make_org(engine, CREDIT))
    payers = [first, company, second, company] * 2
    ids = [place(engine, payer, total_images=SLOTS) for payer in payers]
    join_photo(engine, row(engine, tables.job, ids[0])["production_id"], *ids)
    return ids


class Worker:
    """A front door and a run in one, who now and then is killed, or writes when it is too late."""

    def __init__(self, store: JobStore, engine: sa.Engine, job_ids: list[UUID], seed: int) -> None:
        self._store = store
        self._engine = engine
        self._job_ids = job_ids
        self._dice = Random(seed)
        self._run_id = f"run-{seed}"

    def work(self) -> int:
        """Tries its luck a bounded number of times; how often it was told that it lost its job."""
        lost = 0
        candidates = [(job_id, None) for job_id in self._job_ids]
        for _ in range(ROUNDS):
            self._store.look(self._job_ids, timedelta(0), 50)
            for found in self._store.reserve(self._dice.choice(PATHS), candidates, 3):
                try:
                    self.run(as_job(self._store.open(found.ticket, self._run_id)))
                except TicketLost:
                    lost += 1
        return lost

    def run(self, job: Job) -> None:
        self._store.plan(job.ticket, specs(SLOTS))
        if self._dice.random() < 0.2:
            self.be_killed(job)
        deliver(self._store, job, *self._dice.sample(range(SLOTS), 2))
        self._store.renew(job.ticket)
        self._store.give_up(job.ticket, self._dice.randrange(SLOTS), "too dark")
        if self._dice.random() < 0.95:
            self._store.release(job.ticket, "again", pause=timedelta(0), most=1000)
        else:
            self._store.settle(job.ticket, Production())
        deliver(self._store, job, 0)

    def be_killed(self, job: Job) -> None:
        """Its lease runs out and its job is put back; what it writes from now on comes late."""
        expire(self._engine, job.id)
        change(self._engine, tables.job, job.id, job_status=JobStatus.PENDING)


def test_everything_at_once_neither_deadlocks_nor_loses_count(
    store: JobStore, engine: sa.Engine
) -> None:
    job_ids = one_photo(engine)
    answers = at_once([Worker(store, engine, job_ids, seed).work for seed in range(WORKERS)])
    assert [answer for answer in answers if not isinstance(answer, int)] == []
    assert sum(answer for answer in answers if isinstance(answer, int)) > 0
    close_the_rest(store, engine, job_ids)
    check_books(engine)
    check_progress(engine)


def close_the_rest(store: JobStore, engine: sa.Engine, job_ids: list[UUID]) -> None:
    for job_id in job_ids:
        expire(engine, job_id)
        store.refuse(job_id, "the test is over")
    statuses = {each["job_status"] for each in rows(engine, tables.job)}
    assert statuses <= {JobStatus.COMPLETED, JobStatus.FAILED}


def delivered(engine: sa.Engine) -> list[sa.RowMapping]:
    return [each for each in rows(engine, tables.slot) if each["state"] == "delivered"]


def check_books(engine: sa.Engine) -> None:
    """Every picture was attached once and paid once, and nothing else was paid."""
    slots = delivered(engine)
    attached = [each["attach_id"] for each in rows(engine, tables.attach)]
    assert len(slots) > len(rows(engine, tables.job))
    assert sorted(each["attach_id"] for each in slots) == attached
    assert sorted(each["attach_idx"] for each in rows(engine, tables.ledger)) == attached
    members = sum(each["quel_member_credit"] for each in rows(engine, tables.member))
    companies = sum(each["org_credit"] for each in rows(engine, tables.organization))
    assert members + companies == 3 * CREDIT + OWNER_CREDIT - PRICE * len(slots)


def check_progress(engine: sa.Engine) -> None:
    """What the customer sees is what the slots say."""
    slots = delivered(engine)
    for shown in rows(engine, tables.job):
        ids = [each["attach_id"] for each in slots if each["job_id"] == shown["job_id"]]
        assert (shown["completed_images"], shown["generated_attach_ids"]) == (len(ids), ids)
        assert shown["failed_images"] == SLOTS - len(ids)
    photo = row(engine, tables.photo, rows(engine, tables.job)[0]["production_id"])
    assert sorted(photo["attach_ids"]) == sorted(each["attach_id"] for each in slots)
    assert photo["generated_image_count"] == len(slots)
    assert photo["production_status"] is PhotoStatus.COMPLETED
