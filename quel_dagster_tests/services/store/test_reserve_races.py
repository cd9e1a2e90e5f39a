"""Sixteen front doors at once: the limit holds, and no job is given twice."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from random import Random
from uuid import UUID

import sqlalchemy as sa

from quel_dagster.model.job import Payer, Production, Reservation
from quel_dagster.model.status import JobStatus
from quel_dagster.services import tables
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import make_member, place
from quel_dagster_tests.services.store.jobs import at_once, expire, rows

DOORS = 16
JOBS = 400
LIMIT = 7


def waiting_jobs(engine: sa.Engine, count: int) -> list[UUID]:
    payer = Payer(member_id=make_member(engine))
    return [place(engine, payer) for _ in range(count)]


def alive(engine: sa.Engine) -> int:
    living = sa.select(sa.func.count()).where(
        tables.attempt.c.phase.in_(("reserved", "started")),
        tables.attempt.c.leased_until > sa.func.clock_timestamp(),
    )
    with engine.connect() as connection:
        return connection.execute(living).scalar_one()


def test_one_rush_fills_the_room_exactly(store: JobStore, engine: sa.Engine) -> None:
    candidates = [(job_id, None) for job_id in waiting_jobs(engine, 40)]
    rush: list[Callable[[], list[Reservation]]] = [
        partial(store.reserve, "fashion", candidates, LIMIT) for _ in range(DOORS)
    ]
    answers = at_once(rush)
    given = [
        found.ticket.job_id for answer in answers if isinstance(answer, list) for found in answer
    ]
    assert len(given) == len(set(given)) == LIMIT
    assert alive(engine) == LIMIT


def test_four_hundred_jobs_pass_once_each_and_never_too_many_at_a_time(
    store: JobStore, engine: sa.Engine
) -> None:
    waiting = set(waiting_jobs(engine, JOBS))
    given: list[UUID] = []
    most_alive: list[int] = []

    def door(seed: int) -> None:
        """Lets jobs in and runs them; one in eight is abandoned and given again later."""
        dice = Random(seed)
        for _ in range(JOBS):
            candidates = [(job_id, None) for job_id in sorted(waiting)[:40]]
            for found in store.reserve("fashion", candidates, LIMIT):
                most_alive.append(alive(engine))
                if dice.random() < 0.125:
                    expire(engine, found.ticket.job_id)
                    continue
                given.append(store.open(found.ticket, f"run-{seed}").ticket.job_id)
                store.settle(found.ticket, Production(stopped="not rendered here"))
                waiting.discard(found.ticket.job_id)

    assert at_once([partial(door, seed) for seed in range(DOORS)]) == [None] * DOORS
    assert max(most_alive) <= LIMIT
    assert Counter(given).most_common(1)[0][1] == 1
    assert {each["job_status"] for each in rows(engine, tables.job)} == {JobStatus.FAILED}
    assert len(given) == JOBS


def test_two_paths_that_want_the_same_job_do_not_both_get_it(
    store: JobStore, engine: sa.Engine
) -> None:
    for job_id in waiting_jobs(engine, 10):
        candidates = [(job_id, None)]
        answers = at_once(
            [partial(store.reserve, path, candidates, LIMIT) for path in ("fashion", "beauty")]
        )
        assert sorted(len(answer) for answer in answers if isinstance(answer, list)) == [0, 1]
        expire(engine, job_id)
