"""Places orders as the web front end does: a photo row, a job row, a ring.

`quel order`, `quel demo` and the tests place their orders here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from quel_dagster.model.job import Payer
from quel_dagster.services.database import reaching_postgres
from quel_dagster.services.queue import JobQueue
from quel_dagster.services.tables import job, photo


@dataclass(frozen=True, kw_only=True)
class NewOrder:
    """One order as the front end would write it. `path` None leaves the column NULL."""

    path: str | None
    input: object
    payer: Payer
    total_images: int = 1
    job_type: str = "single_batch"


class FrontEnd:
    """Writes orders and reads how they stand.

    Args:
        engine: the product's database.
        queue: the doorbell; None places rows without a ring.
    """

    def __init__(self, engine: sa.Engine, queue: JobQueue | None) -> None:
        self._engine = engine
        self._queue = queue

    def place(self, order: NewOrder) -> UUID:
        """Writes the rows in one transaction, then rings. Returns the job's id.

        Raises:
            Unavailable: PostgreSQL or Redis cannot be reached; a row without its ring is still
                served, after `pending.grace`.
        """
        with reaching_postgres(), self._engine.begin() as tx:
            production_id = tx.execute(
                sa.insert(photo)
                .values(
                    quel_member_id=order.payer.member_id,
                    org_id=order.payer.org_id,
                    total_quantity=order.total_images,
                    quel_production_path=order.path,
                )
                .returning(photo.c.production_id)
            ).scalar_one()
            job_id = tx.execute(
                sa.insert(job)
                .values(
                    production_id=production_id,
                    job_type=order.job_type,
                    stage_index=0 if order.job_type == "pipeline_stage" else None,
                    batch_index=None if order.job_type == "pipeline_stage" else 0,
                    total_images=order.total_images,
                    job_input_data=order.input,
                    quel_member_id=order.payer.member_id,
                    org_id=order.payer.org_id,
                    quel_production_path=order.path,
                )
                .returning(job.c.job_id)
            ).scalar_one()
        if self._queue:
            self._queue.ring(job_id)
        return job_id

    def read(self, job_ids: Sequence[UUID]) -> list[Mapping[str, object]]:
        """The orders as the customer's page polls them: one mapping of columns per job."""
        columns = (
            job.c.job_id,
            job.c.job_status,
            job.c.quel_production_path,
            job.c.total_images,
            job.c.completed_images,
            job.c.failed_images,
            job.c.error_message,
        )
        with reaching_postgres(), self._engine.connect() as connection:
            rows = connection.execute(sa.select(*columns).where(job.c.job_id.in_(job_ids)))
            return [dict(row) for row in rows.mappings()]
