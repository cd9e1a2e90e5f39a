"""The statistics: what happened on each path in each hour, as `quel.path_hour` keeps it.

Every figure is counted from the rows of the hour alone. Which hours became late is noted by the
database itself (`sql/migrations/0016_late_hours.sql`); how figures are shown is not known here.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from quel_dagster.services.database import reaching_postgres
from quel_dagster.services.statements import load

HOUR = timedelta(hours=1)

_metadata = sa.MetaData()

late_hour = sa.Table(
    "late_hour",
    _metadata,
    sa.Column("hour", TIMESTAMP(timezone=True), nullable=False),
    schema="quel",
)
"""Notes that a finished hour is to be counted again, any number for each."""

path_hour = sa.Table(
    "path_hour",
    _metadata,
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("hour", TIMESTAMP(timezone=True), primary_key=True),
    sa.Column("arrived", sa.Integer, nullable=False),
    sa.Column("started", sa.Integer, nullable=False),
    sa.Column("fallbacks", sa.Integer, nullable=False),
    sa.Column("completed", sa.Integer, nullable=False),
    sa.Column("partly_completed", sa.Integer, nullable=False),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("failed_by_kind", JSONB, nullable=False),
    sa.Column("cancelled", sa.Integer, nullable=False),
    sa.Column("pictures", sa.Integer, nullable=False),
    sa.Column("failed_pictures", sa.Integer, nullable=False),
    sa.Column("credits", sa.BigInteger, nullable=False),
    sa.Column("wait_p50", sa.Double),
    sa.Column("wait_p95", sa.Double),
    sa.Column("wait_p99", sa.Double),
    sa.Column("run_p50", sa.Double),
    sa.Column("run_p95", sa.Double),
    sa.Column("run_p99", sa.Double),
    sa.Column("render_seconds", sa.Numeric, nullable=False),
    sa.Column(
        "counted_at",
        TIMESTAMP(timezone=True),
        nullable=False,
        server_default=sa.FetchedValue(),
    ),
    schema="quel",
)
"""One row for each path and hour; the columns are explained in the database."""


@dataclass(frozen=True, kw_only=True)
class PathHour:
    """What happened on one path from `hour` on. Times in seconds, None where there were none."""

    path: str
    hour: datetime
    arrived: int = 0
    started: int = 0
    fallbacks: int = 0
    completed: int = 0
    partly_completed: int = 0
    failed: int = 0
    failed_by_kind: Mapping[str, int] = field(default_factory=dict[str, int])
    cancelled: int = 0
    pictures: int = 0
    failed_pictures: int = 0
    credits: int = 0
    wait_p50: float | None = None
    wait_p95: float | None = None
    wait_p99: float | None = None
    run_p50: float | None = None
    run_p95: float | None = None
    run_p99: float | None = None
    render_seconds: Decimal = Decimal(0)

    @property
    def ended(self) -> int:
        """Jobs that came to an end of any kind."""
        return self.completed + self.partly_completed + self.failed + self.cancelled


class PathHours:
    """The statistics. Every verb raises `Unavailable` when PostgreSQL cannot be reached.

    Args:
        engine: of the database.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def now(self) -> datetime:
        """The database's clock."""
        with reaching_postgres(), self._engine.connect() as connection:
            return connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()

    def measure(self, begin: datetime, until: datetime) -> list[PathHour]:
        """Counts the rows of any span of time; keeps nothing. Paths without events are left out.

        The cost is that of the span's rows, whatever the history.
        """
        with reaching_postgres(), self._engine.connect() as connection:
            return _measure(connection, begin, until)

    def refresh(self, hour: datetime, paths: Collection[str]) -> list[PathHour]:
        """Counts a finished hour anew and keeps it; zeros for those of `paths` without events.

        The notes that the hour became late go in the same transaction, before anything is counted:
        what changes meanwhile is noted again.
        """
        with reaching_postgres(), self._engine.begin() as tx:
            tx.execute(load("lock_hour"), {"hour": hour})
            tx.execute(sa.delete(late_hour).where(late_hour.c.hour == hour))
            found = _measure(tx, hour, hour + HOUR)
            silent = set(paths).difference(each.path for each in found)
            rows = [*found, *(PathHour(path=path, hour=hour) for path in silent)]
            rows.sort(key=lambda each: each.path)
            tx.execute(sa.delete(path_hour).where(path_hour.c.hour == hour))
            if rows:
                tx.execute(sa.insert(path_hour).values([asdict(row) for row in rows]))
        return rows

    def overdue(self, most: int) -> list[datetime]:
        """Finished hours that became late or were never counted, the newest first."""
        with reaching_postgres(), self._engine.connect() as connection:
            return list(connection.execute(load("overdue_hours"), {"most": most}).scalars())

    def since(self, begin: datetime) -> list[PathHour]:
        """What is kept of the hours from `begin` on, the oldest first."""
        kept = sa.select(*(path_hour.c[name] for name in PathHour.__dataclass_fields__))
        wanted = kept.where(path_hour.c.hour >= begin).order_by(path_hour.c.hour, path_hour.c.path)
        with reaching_postgres(), self._engine.connect() as connection:
            return _as_hours(connection.execute(wanted).mappings().all())


def _measure(connection: sa.Connection, begin: datetime, until: datetime) -> list[PathHour]:
    connection.execute(load("by_index"))
    span = {"begin": begin, "until": until}
    return _as_hours(connection.execute(load("path_hours"), span).mappings().all())


def _as_hours(rows: Sequence[sa.RowMapping]) -> list[PathHour]:
    return [PathHour(**row) for row in rows]
