"""The pictures of a job: planned, asked for, delivered, given up.

Every function works inside the caller's transaction, which holds the job's row by its ticket.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by, insert

from quel_dagster.model.job import Job, Picture, Slot
from quel_dagster.model.spec import Spec
from quel_dagster.model.status import FINAL, SlotState
from quel_dagster.services.credits import charge
from quel_dagster.services.photos import add_picture
from quel_dagster.services.tables import attach, job, slot

NOW = sa.func.clock_timestamp()
STORAGE_TYPE = "s3"


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How many slots a job has, how far they are, and why some were given up."""

    planned: int
    delivered: int
    failed: int
    errors: str | None


def plan(tx: sa.Connection, job_id: UUID, specs: Sequence[Spec]) -> dict[int, Slot]:
    """Notes the job's slots, keeping what an earlier attempt did; returns all of them by number."""
    rows = [
        {"job_id": job_id, "slot": spec.slot, "state": SlotState.PLANNED, "seed": spec.seed}
        for spec in specs
    ]
    tx.execute(insert(slot).values(rows).on_conflict_do_nothing())
    columns = slot.c.slot, slot.c.state, slot.c.generation, slot.c.backend, slot.c.s3_key
    found = tx.execute(sa.select(*columns).where(slot.c.job_id == job_id))
    return {
        row.slot: Slot(
            slot=row.slot,
            state=SlotState(row.state),
            generation=row.generation,
            backend=row.backend,
            key=row.s3_key,
        )
        for row in found
    }


def submit(
    tx: sa.Connection, job_id: UUID, spec: Spec, generation: int, prompt: UUID, backend: str
) -> None:
    """Notes which render is about to be asked for, and where."""
    tx.execute(
        sa.update(slot)
        .where(slot.c.job_id == job_id, slot.c.slot == spec.slot)
        .where(slot.c.state != SlotState.DELIVERED)
        .values(
            state=SlotState.SUBMITTED,
            generation=generation,
            prompt_id=prompt,
            backend=backend,
            seed=spec.seed,
            submitted_at=NOW,
            error=None,
        )
    )


def give_up(tx: sa.Connection, job_id: UUID, number: int, error: str) -> None:
    """Notes why a slot has no picture."""
    tx.execute(
        sa.update(slot)
        .where(slot.c.job_id == job_id, slot.c.slot == number)
        .where(slot.c.state != SlotState.DELIVERED)
        .values(state=SlotState.FAILED, error=error)
    )


def close(tx: sa.Connection, job_id: UUID, error: str) -> None:
    """Notes why the job's other pictures are missing when it ends without them."""
    tx.execute(
        sa.update(slot)
        .where(slot.c.job_id == job_id)
        .where(slot.c.state.in_((SlotState.PLANNED, SlotState.SUBMITTED)))
        .values(state=SlotState.FAILED, error=error)
    )


def forsaken(tx: sa.Connection, job_id: UUID) -> list[tuple[UUID, str]]:
    """Prompt id and back end of the renders of which a final job has no picture."""
    rows = tx.execute(
        sa.select(slot.c.prompt_id, slot.c.backend)
        .join(job, job.c.job_id == slot.c.job_id)
        .where(slot.c.job_id == job_id, slot.c.state != SlotState.DELIVERED)
        .where(slot.c.prompt_id.is_not(None), job.c.job_status.in_(FINAL))
    )
    return [(row.prompt_id, row.backend) for row in rows]


def prompts(tx: sa.Connection, job_id: UUID) -> set[UUID]:
    """The prompt ids of the newest render of each picture."""
    return set(tx.scalars(sa.select(slot.c.prompt_id).where(slot.c.job_id == job_id)))


def deliver(tx: sa.Connection, opened: Job, picture: Picture, price: int) -> None:
    """Attaches and charges a stored picture, once: a slot that has one is left as it is.

    Raises:
        NoCredits: the payer cannot pay; nothing of the picture stays in the database.
    """
    this = (slot.c.job_id == opened.id) & (slot.c.slot == picture.slot)
    state = tx.execute(sa.select(slot.c.state).where(this)).scalar_one()
    if state == SlotState.DELIVERED:
        return
    attach_id = _attach(tx, picture)
    ledger_id = charge(
        tx, opened.payer, price, attach_id=attach_id, production_id=opened.production_id
    )
    tx.execute(
        sa.update(slot)
        .where(this)
        .values(
            state=SlotState.DELIVERED,
            s3_key=picture.key,
            attach_id=attach_id,
            ledger_id=ledger_id,
            charged=price,
            error=None,
            delivered_at=NOW,
            render_seconds=picture.seconds,
        )
    )
    _show_progress(tx, opened.id)
    add_picture(tx, opened.production_id, attach_id)


def tally(tx: sa.Connection, job_id: UUID) -> Tally:
    """Counts a job's slots; their errors are joined in slot order."""
    is_failed = slot.c.state == SlotState.FAILED
    error = sa.func.concat("slot ", slot.c.slot, ": ", slot.c.error)
    in_order = aggregate_order_by(sa.literal("; "), slot.c.slot)
    planned, delivered, failed, errors = tx.execute(
        sa.select(
            sa.func.count(),
            sa.func.count().filter(slot.c.state == SlotState.DELIVERED),
            sa.func.count().filter(is_failed),
            sa.func.string_agg(error, in_order).filter(is_failed),
        ).where(slot.c.job_id == job_id)
    ).one()
    return Tally(planned=planned, delivered=delivered, failed=failed, errors=errors)


def _attach(tx: sa.Connection, picture: Picture) -> int:
    name = picture.key.rsplit("/", 1)[-1]
    row = {
        "attach_original_name": name,
        "attach_file_name": name,
        "attach_file_path": picture.key,
        "attach_file_size": picture.size,
        "attach_file_type": "image/webp",
        "attach_directory": picture.key,
        "attach_storage_type": STORAGE_TYPE,
    }
    return tx.execute(sa.insert(attach).values(row).returning(attach.c.attach_id)).scalar_one()


def _show_progress(tx: sa.Connection, job_id: UUID) -> None:
    """What the front end polls: counted from the slots, in slot order, never added up (W-14)."""
    in_order = aggregate_order_by(slot.c.attach_id, slot.c.slot)
    delivered = sa.select(sa.func.count(), sa.func.jsonb_agg(in_order, type_=JSONB)).where(
        slot.c.job_id == job_id, slot.c.state == SlotState.DELIVERED
    )
    count, attach_ids = tx.execute(delivered).one()
    tx.execute(
        sa.update(job)
        .where(job.c.job_id == job_id)
        .values(completed_images=count, generated_attach_ids=attach_ids)
    )
