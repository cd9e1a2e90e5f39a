"""What became of a fault's jobs, counted from the rows, the bucket and the stand-ins' logs.

Nothing that the processes say of themselves counts here. The statements stand in `sql/chaos`.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa

from quel_dagster.demo.chaos.book import chaos_job, strike
from quel_dagster.services import statements
from quel_dagster.services.database import reaching_postgres
from quel_dagster.services.tables import job, slot


class Wrong(StrEnum):
    """What should not be; a fault may allow some of it."""

    LOST = "lost"
    DOUBLED_PICTURES = "doubled pictures"
    DOUBLED_CHARGES = "doubled charges"
    NEGATIVE_BALANCES = "negative balances"
    OVER_LIMIT = "over the limit"
    LATE_CHANGES = "late changes"
    TAKEN_OVER = "taken over"
    WASTED_RENDERS = "wasted renders"
    NOT_STRUCK = "not struck"
    """No job reached the point of the fault: its row would prove nothing."""


STATEMENTS = {
    Wrong.LOST: "lost",
    Wrong.DOUBLED_PICTURES: "doubled_pictures",
    Wrong.DOUBLED_CHARGES: "doubled_charges",
    Wrong.NEGATIVE_BALANCES: "negative_balances",
    Wrong.OVER_LIMIT: "over_limit",
    Wrong.LATE_CHANGES: "late_changes",
    Wrong.TAKEN_OVER: "taken_over",
}
"""The statement that finds each of them."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong, and the job it is wrong with, where it is one job's."""

    wrong: Wrong
    job_id: UUID | None
    what: str


@dataclass(frozen=True, kw_only=True)
class Totals:
    """How many jobs and pictures there were; `strikes` counts the traps that sprang.

    `longest` is the longest time from placing a job to its end, in seconds.
    """

    jobs: int
    pictures: int
    strikes: int
    longest: float


def total(engine: sa.Engine, fault: str) -> Totals:
    """The numbers of a fault."""
    mine = sa.select(chaos_job.c.job_id).where(chaos_job.c.fault == fault)
    took = sa.func.extract("epoch", sa.func.max(job.c.completed_at - job.c.created_at))
    ended = sa.select(sa.func.count(), sa.func.coalesce(took, 0.0)).where(job.c.job_id.in_(mine))
    made = sa.select(sa.func.count(slot.c.attach_id)).where(slot.c.job_id.in_(mine))
    struck = sa.select(sa.func.count(strike.c.number)).where(strike.c.job_id.in_(mine))
    with reaching_postgres(), engine.connect() as connection:
        jobs, longest = connection.execute(ended).one()
        return Totals(
            jobs=jobs,
            pictures=connection.scalar(made) or 0,
            strikes=connection.scalar(struck) or 0,
            longest=float(longest),
        )


def in_rows(engine: sa.Engine, fault: str) -> Iterator[Finding]:
    """What the rows show that should not be."""
    with reaching_postgres(), engine.connect() as connection:
        for wrong, name in STATEMENTS.items():
            for row in connection.execute(statements.load(name, "chaos"), {"fault": fault}):
                yield Finding(wrong=wrong, job_id=row.job_id, what=row.found)


def in_bucket(engine: sa.Engine, fault: str, keys: Collection[str]) -> Iterator[Finding]:
    """Delivered pictures that are not stored, and slots of which two pictures are.

    Args:
        engine: the database.
        fault: the fault's name.
        keys: of all finished pictures, `generated-images/<member>/<job>/<slot>-<digest>.webp`.
    """
    of_slot = Counter(tuple(key.rpartition("-")[0].split("/")[2:]) for key in keys)
    columns = slot.c.job_id, slot.c.slot, slot.c.s3_key
    mine = sa.select(*columns).join(chaos_job, chaos_job.c.job_id == slot.c.job_id)
    with reaching_postgres(), engine.connect() as connection:
        rows = connection.execute(mine.where(chaos_job.c.fault == fault)).all()
    for job_id, number, key in rows:
        if key and key not in keys:
            yield Finding(wrong=Wrong.LOST, job_id=job_id, what=f"{key} is not stored")
        stored = of_slot[str(job_id), f"{number:03}"]
        if stored > 1:
            what = f"{stored} pictures of slot {number} are stored"
            yield Finding(wrong=Wrong.DOUBLED_PICTURES, job_id=job_id, what=what)


def in_logs(executed: Sequence[str], pictures: int) -> Iterator[Finding]:
    """Renders that made no picture."""
    for prompt_id, times in Counter(executed).items():
        if times > 1:
            what = f"prompt {prompt_id} was executed {times} times"
            yield Finding(wrong=Wrong.WASTED_RENDERS, job_id=None, what=what)
    if len(set(executed)) > pictures:
        what = f"{len(set(executed))} prompts were executed for {pictures} pictures"
        yield Finding(wrong=Wrong.WASTED_RENDERS, job_id=None, what=what)
