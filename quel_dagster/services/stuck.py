"""Jobs that are not getting on, whoever should have seen to them."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from quel_dagster.services.database import reaching_postgres
from quel_dagster.services.statements import load

MOST = 50


@dataclass(frozen=True, kw_only=True)
class Stuck:
    """A job in progress or reserved that should not be so any more; `age` is for how long it is."""

    job_id: UUID
    path: str
    run_id: str | None
    why: str
    age: timedelta


def stuck_jobs(engine: sa.Engine, *, lapsed: timedelta, running: timedelta) -> list[Stuck]:
    """The longest first, some dozens at most.

    Args:
        engine: of the database.
        lapsed: how long nobody may have held a job.
        running: how long a job may be in progress.

    Raises:
        Unavailable: PostgreSQL cannot be reached.
    """
    values = {"lapsed": lapsed, "running": running, "most": MOST}
    with reaching_postgres(), engine.connect() as connection:
        rows = connection.execute(load("stuck_jobs"), values).mappings().all()
    return [Stuck(**row) for row in rows]
