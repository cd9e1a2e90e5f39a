"""What became of a set of orders, counted from the rows: the demo's table and its JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Self
from uuid import UUID

import sqlalchemy as sa
from rich.table import Table

from quel_dagster.model.job import NO_PATH
from quel_dagster.model.status import FINAL, JobStatus
from quel_dagster.pipeline.tags import runs_page
from quel_dagster.services.database import reaching_postgres
from quel_dagster.services.tables import attempt, job, slot


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Orders by where they stand; pictures and credits as delivered and charged so far."""

    orders: int = 0
    waiting: int = 0
    running: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    ordered_images: int = 0
    images: int = 0
    credits_charged: int = 0

    def __add__(self, other: Self) -> Self:
        sums = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        return type(self)(**sums)

    @property
    def is_final(self) -> bool:
        """Whether no order will change any more."""
        return self.completed + self.failed + self.cancelled == self.orders

    def is_whole(self, price: int) -> bool:
        """Whether nothing was lost: every picture delivered, each charged once."""
        charged = self.credits_charged == self.images * price
        return self.completed == self.orders and self.images == self.ordered_images and charged


def count(engine: sa.Engine, job_ids: Sequence[UUID]) -> dict[str, Counts]:
    """Counts of these jobs, per path that serves them, or that they name before one does."""
    delivered = (
        sa.select(slot.c.job_id, sa.func.count(slot.c.attach_id), sa.func.sum(slot.c.charged))
        .where(slot.c.job_id.in_(job_ids))
        .group_by(slot.c.job_id)
    )
    path_of = sa.func.coalesce(attempt.c.path, job.c.quel_production_path, NO_PATH)
    jobs = (
        sa.select(job.c.job_id, path_of, job.c.job_status, job.c.total_images)
        .outerjoin_from(job, attempt, job.c.job_id == attempt.c.job_id)
        .where(job.c.job_id.in_(job_ids))
    )
    with reaching_postgres(), engine.connect() as connection:
        made = {row[0]: (row[1], row[2] or 0) for row in connection.execute(delivered)}
        rows = connection.execute(jobs).all()
    paths: dict[str, Counts] = {}
    for job_id, path, status, total in rows:
        images, charged = made.get(job_id, (0, 0))
        paths[path] = paths.get(path, Counts()) + one_order(status, total, images, charged)
    return dict(sorted(paths.items()))


def one_order(status: JobStatus | None, ordered: int, images: int, charged: int) -> Counts:
    """The counts of a single order."""
    return Counts(
        orders=1,
        waiting=status is JobStatus.PENDING,
        running=status is JobStatus.PROCESSING,
        completed=status is JobStatus.COMPLETED,
        failed=status is JobStatus.FAILED,
        cancelled=status in FINAL - {JobStatus.COMPLETED, JobStatus.FAILED},
        ordered_images=ordered,
        images=images,
        credits_charged=charged,
    )


def total(paths: Mapping[str, Counts]) -> Counts:
    """All paths together."""
    return sum(paths.values(), Counts())


def shortfall(counts: Counts, price: int) -> str | None:
    """What is missing of a set of orders, in words; None when they are whole."""
    if counts.is_whole(price):
        return None
    if not counts.is_final:
        return f"{counts.waiting} orders still wait and {counts.running} run"
    return (
        f"{counts.images} of {counts.ordered_images} pictures were delivered, "
        f"{counts.credits_charged} credits charged"
    )


def as_table(paths: Mapping[str, Counts], seconds: float) -> Table:
    """The live table."""
    table = Table(title=f"{seconds:.0f} s", title_justify="left")
    for heading in ("path", "waiting", "running", "done", "failed", "pictures", "credits"):
        table.add_column(heading, justify="left" if heading == "path" else "right")
    for path, counts in [*paths.items(), ("all", total(paths))]:
        table.add_row(
            path,
            str(counts.waiting),
            str(counts.running),
            str(counts.completed),
            str(counts.failed + counts.cancelled),
            f"{counts.images} of {counts.ordered_images}",
            str(counts.credits_charged),
            style="bold" if path == "all" else None,
        )
    return table


def as_json(paths: Mapping[str, Counts], seconds: float) -> dict[str, object]:
    """The object that `quel demo --json` prints."""
    names = ("orders", "completed", "failed", "cancelled", "images", "credits_charged")
    every = {path: asdict(counts) for path, counts in paths.items()}
    whole = asdict(total(paths))
    return {
        **{name: whole[name] for name in names},
        "seconds": round(seconds, 1),
        "paths": {path: {name: counts[name] for name in names} for path, counts in every.items()},
    }


def runs_url(ui: str, path: str) -> str:
    """The Dagster UI's run list, filtered by a path's tag."""
    return ui + runs_page(path)
