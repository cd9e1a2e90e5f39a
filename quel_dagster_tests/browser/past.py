"""A day that the stack has behind it: jobs of every fate on every path, for the plots to show.

They are rows only: nobody made their pictures, and nobody was charged.
"""

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID, uuid4

import sqlalchemy as sa

from quel_dagster.model.status import JobStatus, Phase, SlotState
from quel_dagster.services.path_hours import HOUR, PathHours
from quel_dagster.services.tables import attempt, job, slot
from quel_dagster_tests.statistics.history import Row, found_house, new_photo, this_hour

AN_HOUR: Mapping[str, int] = {
    "beauty": 6,
    "cartoon": 3,
    "cinema": 4,
    "eats": 5,
    "fashion": 11,
    "modify": 2,
}
"""Jobs that usually arrive."""
HOURS = 24
KINDS = ("backend_away", "every_picture", "invalid_job")
_attach_ids = count(10**9)


def live_a_day(engine: sa.Engine, seed: int = 5) -> None:
    """Adds the jobs of the day before the running hour, the same for a seed."""
    found_house(engine, timedelta(hours=HOURS + 1))
    chance = random.Random(seed)
    begin = this_hour() - HOURS * HOUR
    jobs: list[Row] = []
    attempts: list[Row] = []
    slots: list[Row] = []
    for n in range(HOURS):
        for path, usual in AN_HOUR.items():
            for _ in range(round(usual * (0.3 + abs(12 - n) / 10) * chance.uniform(0.7, 1.3))):
                created = begin + n * HOUR + timedelta(seconds=chance.uniform(0, 3500))
                add(chance, path, created, (jobs, attempts, slots))
    with engine.begin() as tx:
        photo = new_photo(tx)
        tx.execute(sa.insert(job), [{**row, "production_id": photo} for row in jobs])
        tx.execute(sa.insert(attempt), attempts)
        tx.execute(sa.insert(slot), slots)


def add(
    chance: random.Random,
    path: str,
    created: datetime,
    rows: tuple[list[Row], list[Row], list[Row]],
) -> None:
    """One job of two pictures, with its only attempt and what was delivered."""
    started = created + timedelta(seconds=chance.expovariate(1 / 20))
    ended = started + timedelta(seconds=chance.uniform(10, 90))
    status, delivered = fate(chance)
    job_id = uuid4()
    jobs, attempts, slots = rows
    jobs.append(
        {
            "job_id": job_id,
            "job_type": "single_batch",
            "batch_index": 0,
            "total_images": 2,
            "failed_images": 2 - delivered,
            "job_input_data": {},
            "job_status": status,
            "quel_production_path": path,
            "created_at": created,
            "started_at": started,
            "completed_at": ended,
        }
    )
    attempts.append(
        {
            "job_id": job_id,
            "path": path,
            "attempt": 1,
            "claim_id": uuid4(),
            "phase": Phase.CLOSED,
            "crash_count": 0,
            "failure": chance.choice(KINDS) if status is JobStatus.FAILED else None,
            "updated_at": ended,
        }
    )
    slots.extend(pictures(chance, job_id, started, ended)[:delivered])


def pictures(chance: random.Random, job_id: UUID, started: datetime, ended: datetime) -> list[Row]:
    """The two pictures of a job, delivered while it ran."""
    return [
        {
            "job_id": job_id,
            "slot": number,
            "state": SlotState.DELIVERED,
            "generation": 0,
            "s3_key": "a.webp",
            "attach_id": next(_attach_ids),
            "charged": 20,
            "delivered_at": started + (ended - started) * (number + 1) / 2,
            "render_seconds": chance.uniform(3, 20),
        }
        for number in range(2)
    ]


def fate(chance: random.Random) -> tuple[JobStatus, int]:
    """How a job ends, and with how many of its two pictures."""
    return chance.choices(
        [
            (JobStatus.COMPLETED, 2),
            (JobStatus.COMPLETED, 1),
            (JobStatus.FAILED, 0),
            (JobStatus.USER_CANCELLED, 0),
        ],
        weights=[90, 4, 4, 2],
    )[0]


def count_overdue(engine: sa.Engine, paths: Sequence[str]) -> None:
    """Counts the hours that nobody counted yet, as the hourly job does."""
    path_hours = PathHours(engine)
    for hour in path_hours.overdue(2 * HOURS):
        path_hours.refresh(hour, paths)
