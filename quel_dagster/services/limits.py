"""How many jobs of each path may run at once, as the front door last used it.

Where a limit comes from and how it is changed is known to `intake.limits`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from quel_dagster.services.database import reaching_postgres

path_limit = sa.Table(
    "path_limit",
    sa.MetaData(),
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("max_workers", sa.Integer, nullable=False),
    sa.Column("previous", sa.Integer),
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    schema="quel",
)


@dataclass(frozen=True, kw_only=True)
class Change:
    """A path whose limit is not what it was; `before` is None for the first value."""

    path: str
    before: int | None
    after: int

    def __str__(self) -> str:
        if self.before is None:
            return f"the limit of path {self.path} is {self.after}"
        paused = ": the path is paused" if self.after == 0 else ""
        return f"the limit of path {self.path} was {self.before} and is now {self.after}{paused}"


class Limits:
    """The limits in use. Both verbs raise `Unavailable` when PostgreSQL cannot be reached.

    Args:
        engine: of the database.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def note(self, limits: Mapping[str, int]) -> list[Change]:
        """Keeps the limits that are in force from now on; those that changed.

        However many front doors there are, one of them is told of a change.
        """
        if not limits:
            return []
        rows = [{"path": path, "max_workers": room} for path, room in sorted(limits.items())]
        new = insert(path_limit).values(rows)
        noted = new.on_conflict_do_update(
            index_elements=["path"],
            set_={
                "max_workers": new.excluded.max_workers,
                "previous": path_limit.c.max_workers,
                "changed_at": sa.func.clock_timestamp(),
            },
            where=path_limit.c.max_workers != new.excluded.max_workers,
        ).returning(path_limit.c.path, path_limit.c.previous, path_limit.c.max_workers)
        with reaching_postgres(), self._engine.begin() as tx:
            changed = tx.execute(noted).all()
        return [
            Change(path=row.path, before=row.previous, after=row.max_workers) for row in changed
        ]

    def read(self) -> dict[str, int]:
        """The limit of every path that a front door has served."""
        columns = path_limit.c.path, path_limit.c.max_workers
        with reaching_postgres(), self._engine.connect() as connection:
            rows = connection.execute(sa.select(*columns)).all()
        return {row.path: row.max_workers for row in rows}
