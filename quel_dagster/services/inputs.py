"""What the product's rows say of the pictures an order names: in its own input, or in storage.

Every function works inside the caller's transaction; nothing here writes.
"""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from quel_dagster.services.storage import reference_key
from quel_dagster.services.tables import attach, job


def order_input(tx: sa.Connection, job_id: UUID) -> object:
    """A job's input as it stands, pictures included."""
    return tx.execute(sa.select(job.c.job_input_data).where(job.c.job_id == job_id)).scalar_one()


def reference_keys(tx: sa.Connection, attach_ids: Sequence[int]) -> dict[int, str]:
    """Where references lie in storage; an id without a row or a file is left out."""
    columns = attach.c.attach_id, attach.c.attach_file_path, attach.c.attach_directory
    rows = tx.execute(sa.select(*columns).where(attach.c.attach_id.in_(attach_ids))).all()
    keys = {number: reference_key(path, folder) for number, path, folder in rows}
    return {number: key for number, key in keys.items() if key}
