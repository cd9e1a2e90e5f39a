"""The photo, which is what the customer sees as one order: it follows all of its jobs.

Every function works inside the caller's transaction.
"""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from quel_dagster.model.status import FINAL, JobStatus, photo_status
from quel_dagster.services.tables import job, photo


def follow_jobs(tx: sa.Connection, production_id: UUID) -> None:
    """Gives a photo the status that follows from its jobs.

    The photo's row is locked before its jobs are read, so that of two jobs that end together the
    second one sees the first.
    """
    this = photo.c.production_id == production_id
    tx.execute(sa.select(photo.c.production_id).where(this).with_for_update())
    mine = job.c.production_id == production_id
    rows = tx.scalars(sa.select(job.c.job_status).where(mine).distinct())
    statuses = {status or JobStatus.PENDING for status in rows}
    changes: dict[str, object] = {"production_status": photo_status(statuses)}
    if FINAL.issuperset(statuses):
        span = sa.func.max(job.c.completed_at) - sa.func.min(job.c.started_at)
        seconds = sa.cast(sa.func.extract("epoch", span), sa.Integer)
        changes["processing_duration_seconds"] = sa.select(seconds).where(mine).scalar_subquery()
    tx.execute(sa.update(photo).where(this).values(changes))


def add_picture(tx: sa.Connection, production_id: UUID, attach_id: int) -> None:
    """Appends a picture; what other jobs append at the same time stays (W-15)."""
    known = sa.func.coalesce(photo.c.attach_ids, sa.text("'[]'::jsonb"))
    tx.execute(
        sa.update(photo)
        .where(photo.c.production_id == production_id)
        .values(
            attach_ids=known.op("||")(sa.cast([attach_id], JSONB)),
            generated_image_count=sa.func.coalesce(photo.c.generated_image_count, 0) + 1,
        )
    )
