"""Everything that is known of one job, read without changing anything: for `quel explain`.

How a row is routed and read is decided elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from quel_dagster.model.job import JobRow, Payer, Ticket, WaitingRow
from quel_dagster.model.status import JobStatus
from quel_dagster.services import inputs
from quel_dagster.services.database import reaching_postgres
from quel_dagster.services.statements import load
from quel_dagster.services.tables import attempt, job, slot

OF_JOB = (
    job.c.job_id,
    job.c.production_id,
    job.c.job_type,
    job.c.job_status,
    job.c.total_images,
    job.c.completed_images,
    job.c.job_input_data,
    job.c.error_message,
    job.c.created_at,
    job.c.quel_member_id,
    job.c.org_id,
    job.c.quel_production_path,
    attempt.c.path,
    attempt.c.requested_path,
    attempt.c.attempt,
    attempt.c.claim_id,
)
"""What is told of a job: nothing that a production table may lack."""
NOBODY = UUID(int=0)
"""Stands for the claim of a job that nobody has tried yet."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """How far one picture of a job is (`quel.slot`)."""

    slot: int
    state: str
    key: str | None
    error: str | None


@dataclass(frozen=True, kw_only=True)
class Inspected:
    """A job as it stands.

    Attributes:
        row: what an attempt would open; on the path of the newest attempt, else as the row has it.
        waiting: what the front door sees of it.
        served: whether an attempt was ever made, and so whether the row's path is settled.
        message: why pictures are missing, or why the job waits.
    """

    row: JobRow
    waiting: WaitingRow
    served: bool
    status: JobStatus | None
    created_at: datetime | None
    delivered: int
    message: str | None
    made: tuple[Made, ...]


class Inspector:
    """Reads jobs in transactions that cannot write; raises `Unavailable` like the store."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine.execution_options(postgresql_readonly=True)

    def job(self, job_id: UUID) -> Inspected | None:
        """A job; None when there is none of this id."""
        nothing = timedelta(0)
        look = {"rung": [str(job_id)], "grace": nothing, "lease": nothing, "batch": 0}
        of_job = sa.select(*OF_JOB)
        with reaching_postgres(), self._engine.begin() as tx:
            waiting = tx.execute(load("look"), look).mappings().one_or_none()
            found = tx.execute(
                of_job.outerjoin_from(job, attempt, job.c.job_id == attempt.c.job_id).where(
                    job.c.job_id == job_id
                )
            ).one_or_none()
            if waiting is None or found is None:
                return None
            made = (
                tx.execute(
                    sa.select(slot.c.slot, slot.c.state, slot.c.s3_key.label("key"), slot.c.error)
                    .where(slot.c.job_id == job_id)
                    .order_by(slot.c.slot)
                )
                .mappings()
                .all()
            )
        return Inspected(
            row=_row(found),
            waiting=WaitingRow(**waiting),
            served=found.path is not None,
            status=found.job_status,
            created_at=found.created_at,
            delivered=found.completed_images or 0,
            message=found.error_message,
            made=tuple(Made(**row) for row in made),
        )

    def reference_keys(self, attach_ids: Sequence[int]) -> Mapping[int, str]:
        """Where references lie in storage; an id without a row or a file is left out."""
        with reaching_postgres(), self._engine.begin() as tx:
            return inputs.reference_keys(tx, attach_ids)


def _row(found: sa.Row[tuple[object, ...]]) -> JobRow:
    ticket = Ticket(
        job_id=found.job_id, claim_id=found.claim_id or NOBODY, attempt=found.attempt or 0
    )
    return JobRow(
        ticket=ticket,
        path=found.path or found.quel_production_path or "",
        requested_path=found.requested_path,
        job_type=found.job_type,
        production_id=found.production_id,
        total_images=found.total_images,
        input=found.job_input_data,
        payer=Payer(member_id=found.quel_member_id, org_id=found.org_id),
    )
