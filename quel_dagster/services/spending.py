"""What a job has used up of its budget, over all attempts since it was ordered.

Every function works inside the caller's transaction. How large a budget is, is a setting.
"""

from uuid import UUID

import sqlalchemy as sa

from quel_dagster.model.job import Spent
from quel_dagster.model.status import SlotState
from quel_dagster.services.tables import attempt, job, slot

NOW = sa.func.clock_timestamp()


def begin(tx: sa.Connection, job_id: UUID) -> None:
    """Begins the budget of a job that was ordered, for the first time or again.

    What an earlier order of the same id gave up or was stopped at is asked for under prompt ids of
    its own: servers remember how the old ones ended.
    """
    mine = slot.c.job_id == job_id
    tx.execute(
        sa.update(slot)
        .where(mine, slot.c.state.in_((SlotState.SUBMITTED, SlotState.FAILED)))
        .values(state=SlotState.PLANNED, generation=slot.c.generation + 1, error=None)
    )
    before = sa.select(_renders_beyond_first()).where(mine).scalar_subquery()
    tx.execute(sa.update(attempt).where(attempt.c.job_id == job_id).values(renders_before=before))


def spent(tx: sa.Connection, job_id: UUID) -> Spent:
    """Renders beyond the first of each slot, and the time since the first attempt began."""
    now = sa.select(_renders_beyond_first()).where(slot.c.job_id == job_id).scalar_subquery()
    row = tx.execute(
        sa.select(
            (now - sa.func.coalesce(attempt.c.renders_before, 0)).label("renders"),
            (NOW - job.c.started_at).label("time"),
        )
        .join(job, job.c.job_id == attempt.c.job_id)
        .where(attempt.c.job_id == job_id)
    ).one()
    return Spent(renders=row.renders, time=row.time)


def _renders_beyond_first() -> sa.ColumnElement[int]:
    """A slot's generation counts its renders from 0."""
    return sa.func.coalesce(sa.func.sum(slot.c.generation), 0)
