"""What happened how often, kept where the short-lived processes that see it can leave it.

The counts only rise. What they are called on the metrics page is known to `api.metrics`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from datetime import timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from quel_dagster.model.job import Outcome
from quel_dagster.model.status import JobStatus
from quel_dagster.services.database import reaching_postgres

counter = sa.Table(
    "counter",
    sa.MetaData(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("n", sa.BigInteger, nullable=False),
    sa.Column("seconds", sa.Double, nullable=False),
    schema="quel",
)
"""One row a count."""


class Counter(StrEnum):
    """What is counted."""

    COMPLETED = "completed"
    """Jobs that ended with pictures; of kind `all` or `some`."""
    FAILED = "failed"
    """Jobs that ended without; of the kind of failure."""
    CANCELLED = "cancelled"
    """Jobs that were cancelled."""
    WAIT = "wait"
    """Spans from order to first start; of the bucket they fall into."""
    RUN = "run"
    """Spans from first start to the end, of jobs that completed or failed."""
    RING_DROPPED = "ring_dropped"
    """Rings that nothing followed; of the reason."""
    TICKET_LOST = "ticket_lost"
    """Attempts that found their job taken over; of the step that noticed."""


BOUNDS = (1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)
"""Upper bounds of the buckets for spans of time, in seconds."""
BEYOND = "+Inf"
"""The bucket of all that took longer."""
REFUSED = "refused"
"""The kind of failure of a job that was never let in."""
STALE = "stale"
"""The kind of failure of a job that was closed long after anybody had worked on it."""
NO_PATH = "none"
"""The path of a job that ended before it was let in on one."""


@dataclass(frozen=True, kw_only=True)
class Count:
    """So many of one kind; `seconds` is the sum where they are spans of time."""

    name: Counter
    path: str = ""
    kind: str = ""
    n: int = 1
    seconds: float = 0.0


def span(name: Counter, path: str, length: timedelta) -> Count:
    """One span of time, in the bucket it falls into."""
    seconds = max(length.total_seconds(), 0.0)
    bucket = next((str(bound) for bound in BOUNDS if seconds <= bound), BEYOND)
    return Count(name=name, path=path, kind=bucket, seconds=seconds)


def ended(
    outcome: Outcome, path: str, failure: str | None, ran: timedelta | None
) -> Iterator[Count]:
    """What a job's end counts for.

    Args:
        outcome: what it came to.
        path: the path that served it.
        failure: the kind of failure, where it failed.
        ran: the time since its first start; None where it never started.
    """
    match outcome.status:
        case JobStatus.COMPLETED:
            kind = "some" if outcome.failed else "all"
            yield Count(name=Counter.COMPLETED, path=path, kind=kind)
        case JobStatus.FAILED:
            yield Count(name=Counter.FAILED, path=path, kind=failure or "")
        case _:
            yield Count(name=Counter.CANCELLED, path=path)
            return
    if ran is not None and failure not in (REFUSED, STALE):
        yield span(Counter.RUN, path, ran)


def add(tx: sa.Connection, counts: Iterable[Count]) -> None:
    """Adds counts, each of another kind; the last thing a transaction does.

    All who count the same wait for each other from here to their commit, and none of them for
    anything else after it, so that no two can wait for each other.
    """
    rows = [dict(zip(COLUMNS, astuple(each), strict=True)) for each in sorted(counts, key=astuple)]
    new = insert(counter).values(rows)
    sums = {name: counter.c[name] + new.excluded[name] for name in ("n", "seconds")}
    tx.execute(new.on_conflict_do_update(index_elements=KEY, set_=sums))


COLUMNS = tuple(field.name for field in fields(Count))
KEY = tuple(column.name for column in counter.primary_key)


class Counters:
    """The counts on their own, for whoever has no transaction to add them in.

    Args:
        engine: of the database.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, *counts: Count) -> None:
        """Adds counts, each of another kind.

        Raises:
            Unavailable: PostgreSQL cannot be reached; they are lost.
        """
        if counts:
            with reaching_postgres(), self._engine.begin() as tx:
                add(tx, counts)

    def read(self) -> list[Count]:
        """Every count there is: a few dozen for each path.

        Raises:
            Unavailable: PostgreSQL cannot be reached.
        """
        with reaching_postgres(), self._engine.connect() as connection:
            rows = connection.execute(sa.select(counter).order_by(*counter.primary_key)).all()
        return [
            Count(
                name=Counter(row.name), path=row.path, kind=row.kind, n=row.n, seconds=row.seconds
            )
            for row in rows
        ]
