"""Old wrecks: rows that wait or run, that nobody owns, and that nothing has touched for long.

What becomes of them is an operator's decision, made in `maintenance.wrecks`.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa

from quel_dagster.model.job import Production
from quel_dagster.model.status import JobStatus, Phase
from quel_dagster.services.attempts import NOW
from quel_dagster.services.counters import STALE
from quel_dagster.services.database import reaching_postgres
from quel_dagster.services.endings import conclude
from quel_dagster.services.photos import follow_jobs
from quel_dagster.services.statements import load
from quel_dagster.services.tables import attempt, cut_off, job

LONGEST_SEARCH = "10min"
"""All waiting and running rows of a table that nobody has tidied for years."""


class Fate(StrEnum):
    """What becomes of a wreck."""

    fail = "fail"
    put_back = "put_back"


@dataclass(frozen=True, kw_only=True)
class Wreck:
    """One of them; `in_line` when it would be let in by itself as soon as its path has room.

    `path` is the one that serves it, else the one its row names, else `none`.
    """

    job_id: UUID
    status: JobStatus
    path: str
    age: timedelta
    in_line: bool


class Wrecks:
    """The wrecks of a database. Both verbs raise `Unavailable` when it cannot be reached.

    Args:
        engine: of the database.
        max_age: how long nothing has touched them.
        lease: how long an attempt counts as alive without a sign of life.
    """

    def __init__(self, engine: sa.Engine, *, max_age: timedelta, lease: timedelta) -> None:
        self._engine = engine
        self._max_age = max_age
        self._lease = lease

    def find(self) -> list[Wreck]:
        """All of them, the oldest first; changes nothing."""
        with reaching_postgres(), self._engine.begin() as tx:
            tx.exec_driver_sql(f"SET LOCAL statement_timeout = '{LONGEST_SEARCH}'")
            return self._find(tx, None)

    def end(self, wreck: Wreck, fate: Fate, reason: str) -> JobStatus | None:
        """Gives a wreck its fate, if it is one still and nobody holds its row.

        Returns:
            The status it has now: failed, pending, or completed where pictures were delivered;
            None when nothing was changed.
        """
        with reaching_postgres(), self._engine.begin() as tx:
            this = sa.select(job.c.production_id).where(job.c.job_id == wreck.job_id)
            production_id = tx.scalar(this.with_for_update(skip_locked=True))
            if production_id is None or not self._find(tx, wreck.job_id):
                return None
            if fate is Fate.fail:
                return conclude(tx, wreck.job_id, Production(stopped=reason, failure=STALE)).status
            put_back(tx, wreck.job_id, reason)
            follow_jobs(tx, production_id)
            return JobStatus.PENDING

    def _find(self, tx: sa.Connection, job_id: UUID | None) -> list[Wreck]:
        values = {"max_age": self._max_age, "lease": self._lease, "job_id": job_id}
        return [
            Wreck(
                job_id=row.job_id,
                status=JobStatus(row.status),
                path=row.path,
                age=row.age,
                in_line=row.in_line,
            )
            for row in tx.execute(load("stale_jobs"), values)
        ]


def put_back(tx: sa.Connection, job_id: UUID, reason: str) -> None:
    """The job waits as if it had just been ordered; what was delivered stays.

    One from before the cut-off would never be let in: its order is dated anew.
    """
    too_old = job.c.created_at <= sa.select(cut_off.c.created_after).scalar_subquery()
    tx.execute(
        sa.update(job)
        .where(job.c.job_id == job_id)
        .values(
            job_status=JobStatus.PENDING,
            created_at=sa.case((too_old, NOW), else_=job.c.created_at),
            started_at=None,
            error_message=reason,
            retry_count=0,
        )
    )
    # A closed attempt at a job that waits is taken for a job that was ordered anew.
    tx.execute(
        sa.update(attempt)
        .where(attempt.c.job_id == job_id)
        .values(
            phase=Phase.CLOSED,
            leased_until=None,
            next_try_at=None,
            cancel_asked_at=None,
            last_error=reason,
            updated_at=NOW,
        )
    )
