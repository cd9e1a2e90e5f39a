"""The schema `chaos`: which job is of which fault, what is planned for it, what was done to it.

How the tables come to be, and what triggers write into them, stands in `sql/chaos/book.sql`.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from quel_dagster.services import statements
from quel_dagster.services.database import reaching_postgres
from quel_dagster.services.tables import attempt, job

metadata = sa.MetaData(schema="chaos")

chaos_job = sa.Table(
    "job",
    metadata,
    sa.Column("job_id", sa.Uuid, primary_key=True),
    sa.Column("fault", sa.Text, nullable=False),
    sa.Column("expected", ARRAY(sa.Text), nullable=False),
)
payer = sa.Table(
    "payer",
    metadata,
    sa.Column("payer_id", sa.Uuid, primary_key=True),
    sa.Column("fault", sa.Text, nullable=False),
    sa.Column("opening", sa.BigInteger, nullable=False),
)
room = sa.Table(
    "room",
    metadata,
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("max_workers", sa.Integer, nullable=False),
)
trap = sa.Table(
    "trap",
    metadata,
    sa.Column("job_id", sa.Uuid, primary_key=True),
    sa.Column("point", sa.Text, primary_key=True),
    sa.Column("deed", sa.Text, nullable=False),
    sa.Column("times", sa.Integer, nullable=False),
    sa.Column("sprung", sa.Integer, nullable=False, server_default=sa.FetchedValue()),
)
strike = sa.Table(
    "strike",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("job_id", sa.Uuid, nullable=False),
    sa.Column("point", sa.Text, nullable=False),
    sa.Column("deed", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("struck_at", sa.DateTime(timezone=True), server_default=sa.FetchedValue()),
    sa.Column("woken_at", sa.DateTime(timezone=True)),
)


def open_book(engine: sa.Engine, limits: Mapping[str, int]) -> None:
    """Makes the schema in a migrated database that has none, and notes the limits of the paths."""
    script = statements.root() / "chaos" / "book.sql"
    with reaching_postgres(), engine.begin() as tx:
        tx.exec_driver_sql(script.read_text(encoding="utf-8"))
        rows = [{"path": path, "max_workers": limit} for path, limit in limits.items()]
        tx.execute(sa.insert(room), rows)


def note_payer(engine: sa.Engine, fault: str, payer_id: UUID, opening: int) -> None:
    """Notes what somebody who pays for a fault's jobs has at first."""
    row = {"payer_id": payer_id, "fault": fault, "opening": opening}
    with reaching_postgres(), engine.begin() as tx:
        tx.execute(sa.insert(payer).values(row))


def note_job(engine: sa.Engine, fault: str, job_id: UUID, expected: Sequence[str]) -> None:
    """Notes a job of a fault and the statuses it may end with."""
    row = {"job_id": job_id, "fault": fault, "expected": list(expected)}
    with reaching_postgres(), engine.begin() as tx:
        tx.execute(sa.insert(chaos_job).values(row))


def set_trap(engine: sa.Engine, job_id: UUID, point: str, deed: str, times: int) -> None:
    """Plans what happens to the processes that bring a job to a point."""
    row = {"job_id": job_id, "point": point, "deed": deed, "times": times}
    with reaching_postgres(), engine.begin() as tx:
        tx.execute(sa.insert(trap).values(row))


def planned_points(engine: sa.Engine, job_id: UUID) -> frozenset[str]:
    """The points at which something is still planned for a job."""
    planned = sa.select(trap.c.point).where(trap.c.job_id == job_id, trap.c.sprung < trap.c.times)
    with reaching_postgres(), engine.connect() as connection:
        return frozenset(connection.scalars(planned))


def spring(engine: sa.Engine, job_id: UUID, point: str, pid: int) -> str | None:
    """What is to be done to a process now, noted as done; None when nothing is planned any more."""
    armed = sa.and_(trap.c.job_id == job_id, trap.c.point == point, trap.c.sprung < trap.c.times)
    count = sa.update(trap).where(armed).values(sprung=trap.c.sprung + 1).returning(trap.c.deed)
    number = sa.select(attempt.c.attempt).where(attempt.c.job_id == job_id).scalar_subquery()
    with reaching_postgres(), engine.begin() as tx:
        deed = tx.scalar(count)
        if deed is not None:
            row = {"job_id": job_id, "point": point, "deed": deed, "pid": pid, "attempt": number}
            tx.execute(sa.insert(strike).values(row))
    return deed


def strikes(engine: sa.Engine, fault: str) -> int:
    """How many traps of a fault have sprung."""
    mine = sa.select(chaos_job.c.job_id).where(chaos_job.c.fault == fault)
    count = sa.select(sa.func.count()).select_from(strike).where(strike.c.job_id.in_(mine))
    with reaching_postgres(), engine.connect() as connection:
        return connection.scalar(count) or 0


def frozen(engine: sa.Engine) -> Sequence[sa.Row[tuple[int, int, int, int, str | None]]]:
    """Processes that were frozen and not woken.

    Each with the strike's number, its pid, the attempt it was at, its job's attempt by now, and
    the job's status.
    """
    columns = strike.c.number, strike.c.pid, strike.c.attempt, attempt.c.attempt, job.c.job_status
    found = (
        sa.select(*columns)
        .join(attempt, attempt.c.job_id == strike.c.job_id)
        .join(job, job.c.job_id == strike.c.job_id)
        .where(strike.c.deed == "freeze", strike.c.woken_at.is_(None))
    )
    with reaching_postgres(), engine.connect() as connection:
        return connection.execute(found).all()


def note_woken(engine: sa.Engine, number: int) -> None:
    """Notes that a frozen process goes on."""
    this = strike.c.number == number
    with reaching_postgres(), engine.begin() as tx:
        tx.execute(sa.update(strike).where(this).values(woken_at=sa.func.clock_timestamp()))
