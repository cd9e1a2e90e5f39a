"""The wish to cancel a job: honoured at once where nobody works on it, else kept for who does.

Every function works inside the caller's transaction. The front end's flag is read in `queue`.
"""

from uuid import UUID

import sqlalchemy as sa

from quel_dagster.model.cancellation import Answer, Cancellation
from quel_dagster.model.job import Production
from quel_dagster.model.status import FINAL, JobStatus, Phase
from quel_dagster.services.attempts import NOW, lock
from quel_dagster.services.endings import conclude
from quel_dagster.services.tables import attempt, job


def cancel(tx: sa.Connection, job_id: UUID) -> Cancellation:
    """Closes a job that waits, ticket and all, or notes for its run that it is to stop.

    A job whose attempt has died is nobody's: it is closed like one that waits.
    """
    row = lock(tx, job_id)
    if row is None:
        return Cancellation(answer=Answer.UNKNOWN)
    answer = _answer(tx, job_id, row.job_status)
    if answer is Answer.CANCELLED:
        conclude(tx, job_id, Production(cancelled=True))
    elif answer is Answer.STOPPING:
        asked = sa.func.coalesce(attempt.c.cancel_asked_at, NOW)
        this = attempt.c.job_id == job_id
        tx.execute(sa.update(attempt).where(this).values(cancel_asked_at=asked))
    columns = job.c.job_status, job.c.completed_images, job.c.total_images
    status, delivered, ordered = tx.execute(sa.select(*columns).where(job.c.job_id == job_id)).one()
    return Cancellation(answer=answer, status=status, delivered=delivered or 0, ordered=ordered)


def is_asked(tx: sa.Connection, job_id: UUID) -> bool:
    """Whether somebody wants the job cancelled that an attempt holds."""
    asked = sa.select(attempt.c.cancel_asked_at).where(attempt.c.job_id == job_id)
    return tx.scalar(asked) is not None


def _answer(tx: sa.Connection, job_id: UUID, status: JobStatus | None) -> Answer:
    if status in FINAL:
        return Answer.FINAL
    if status is not JobStatus.PROCESSING:
        return Answer.CANCELLED
    alive = attempt.c.leased_until > NOW
    held = sa.select(alive).where(attempt.c.job_id == job_id, attempt.c.phase == Phase.STARTED)
    match tx.scalar(held):
        case None:
            return Answer.ELSEWHERE
        case True:
            return Answer.STOPPING
        case _:
            return Answer.CANCELLED
