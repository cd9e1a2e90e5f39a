"""How deep the work stands right now: jobs that wait, attempts that are alive, what just ended.

By path. Every look costs the same, whatever the backlog and the history. What ended since the first
day lies in `counters`.
"""

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from quel_dagster.model.status import Phase
from quel_dagster.services.database import reaching_postgres
from quel_dagster.services.statements import load
from quel_dagster.services.tables import attempt

MOST = 10_000
"""Waiting jobs of one path are counted up to here: index entries, a few milliseconds."""


@dataclass(frozen=True, kw_only=True)
class Depth:
    """The waiting rows that name one path, None for those that name none; `MOST` means or more."""

    path: str | None
    waiting: int
    oldest: timedelta


@dataclass(frozen=True, kw_only=True)
class Living:
    """The attempts of one path that hold a job, reserved or started, with a lease."""

    path: str
    phase: Phase
    count: int


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A path's jobs that ended in the last 24 hours, among the newest `MOST` of all paths."""

    path: str
    completed: int
    failed: int
    user_cancelled: int


class Depths:
    """Looks. Every verb raises `Unavailable` when PostgreSQL cannot be reached.

    Args:
        engine: of the database.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def waiting(self) -> list[Depth]:
        """Jobs that wait, by the path their row names, those included whose run is to begin."""
        with reaching_postgres(), self._engine.connect() as connection:
            connection.execute(load("in_order"))
            rows = connection.execute(load("depths"), {"most": MOST}).all()
        return [Depth(path=row.path, waiting=row.waiting, oldest=row.oldest) for row in rows]

    def living(self) -> list[Living]:
        """Attempts that are alive, by the path that serves them."""
        alive = attempt.c.leased_until > sa.func.clock_timestamp()
        phases = attempt.c.phase.in_((Phase.RESERVED, Phase.STARTED))
        of_path = sa.select(attempt.c.path, attempt.c.phase, sa.func.count().label("attempts"))
        counted = of_path.where(phases, alive).group_by(attempt.c.path, attempt.c.phase)
        with reaching_postgres(), self._engine.connect() as connection:
            rows = connection.execute(counted).all()
        return [Living(path=row.path, phase=Phase(row.phase), count=row.attempts) for row in rows]

    def ended(self) -> list[Ended]:
        """Jobs that ended a short while ago, by the path that served them, else the one named."""
        with reaching_postgres(), self._engine.connect() as connection:
            rows = connection.execute(load("ended"), {"most": MOST}).mappings().all()
        return [Ended(**row) for row in rows]
