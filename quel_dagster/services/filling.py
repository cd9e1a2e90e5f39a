"""One walk through a table that gives rows without a path theirs, batch by batch.

Each batch is a transaction of its own. When to walk, and how often, is known to `backfill`.
"""

import time
from collections.abc import Callable, Iterable, Iterator

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from quel_dagster.services.pace import Pace

WINDOW = 4096
"""Pages, 32 MB, that one statement looks through: it stays short where nothing is to do, too."""
TRIES = 8
"""In a row that may fail, each time with half as many rows."""
RECOVERY = 0.5
"""Seconds after a batch that was given up."""
PLANNER = sa.text("""
    SELECT set_config(name, 'off', TRUE) FROM unnest(ARRAY['enable_indexscan',
        'enable_indexonlyscan', 'enable_bitmapscan', 'enable_seqscan']) AS name
""")
"""Leaves the range of places as the only way in. An index on the path, which looks cheaper, leads
through the entries of all the rows that are done."""
SIZE = sa.text(
    "SELECT pg_relation_size(to_regclass(:name)) / CAST(current_setting('block_size') AS bigint)"
)


class Filling:
    """A table and the path its rows get.

    Args:
        connection: in no transaction; its session limits how long a statement takes.
        table: has a column `quel_production_path`.
        path: the value.
        batch_size: the most rows of a transaction.
        warn: is told of batches that are tried again.
    """

    def __init__(
        self,
        connection: sa.Connection,
        table: sa.Table,
        path: str,
        batch_size: int,
        warn: Callable[[str], None],
    ) -> None:
        self._connection = connection
        self._table = table
        self._statement = next_rows(table, path)
        self._pace = Pace(batch_size)
        self._warn = warn

    def windows(self) -> range:
        """The whole table as it is now, in windows, each named by its first page."""
        with self._connection.begin():
            pages = self._connection.scalars(SIZE, {"name": self._table.name}).one()
        return range(0, pages, WINDOW)

    def walk(self, windows: Iterable[int], most: int) -> Iterator[int]:
        """Through some windows; how many rows each batch changed.

        Args:
            windows: where to look.
            most: rows to change in all.

        Raises:
            sqlalchemy.exc.OperationalError: a batch failed time after time.
        """
        for first in windows:
            after: str | None = f"({first},0)"
            failures = 0
            while after and most:
                size = min(self._pace.size, most)
                try:
                    changed, after = self._batch(after, f"({first + WINDOW},0)", size)
                except OperationalError as error:
                    failures += 1
                    if error.connection_invalidated or failures == TRIES:
                        raise
                    self._give_way(error)
                else:
                    failures = 0
                    most -= changed
                    yield changed

    def _batch(self, after: str, until: str, size: int) -> tuple[int, str | None]:
        """Rows changed between two places, and where to go on, None when there are no more."""
        began = time.monotonic()
        with self._connection.begin():
            self._connection.execute(PLANNER)
            values = {"after": after, "until": until, "size": size}
            row = self._connection.execute(self._statement, values).one()
        self._pace.took(row.held, time.monotonic() - began)
        return row.changed, row.last if row.held == size else None

    def _give_way(self, error: OperationalError) -> None:
        """Whatever stood in the way gets time, and the next batch needs less of it."""
        self._pace.failed()
        what = str(error.orig).partition("\n")[0]
        self._warn(f"{self._table.name}: {what}; going on with {self._pace.size} rows a batch")
        time.sleep(RECOVERY)


def rows_left(table: sa.Table) -> sa.Select[tuple[int, int]]:
    """How many rows without a path lie in each window that has any, by the window's first page."""
    page = sa.literal_column("(CAST(CAST(ctid AS text) AS point))[0]", sa.Float)
    first = (sa.cast(page, sa.BigInteger) // WINDOW * WINDOW).label("first")
    without_path = table.c.quel_production_path.is_(None)
    counted = sa.select(first, sa.func.count().label("left")).select_from(table).where(without_path)
    return counted.group_by("first").order_by("first")


def next_rows(table: sa.Table, path: str) -> sa.Select[tuple[int, int, str | None]]:
    """The statement of a batch: rows `held`, rows `changed`, and the `last` place of the held.

    It takes what nobody else holds, and looks once more before it changes anything: a row that was
    changed between the two is left for the next walk. FOR NO KEY UPDATE lets others go on to refer
    to the row. Parameters: `after` and `until`, places, and `size`.
    """
    without_path = table.c.quel_production_path.is_(None)
    held = (
        sa.select(sa.literal_column("ctid").label("place"))
        .select_from(table)
        .where(sa.text("ctid > CAST(:after AS tid) AND ctid < CAST(:until AS tid)"), without_path)
        .limit(sa.bindparam("size"))
        .with_for_update(key_share=True, skip_locked=True)
        .cte("held")
    )
    changed = (
        sa.update(table)
        .where(sa.text("ctid = ANY(ARRAY(SELECT place FROM held))"), without_path)
        .values(quel_production_path=path)
        .returning(sa.literal(1).label("one"))
        .add_cte(held)
        .cte("changed")
    )
    return sa.select(
        sa.select(sa.func.count()).select_from(held).scalar_subquery().label("held"),
        sa.select(sa.func.count()).select_from(changed).scalar_subquery().label("changed"),
        sa.select(sa.cast(sa.func.max(held.c.place), sa.Text)).scalar_subquery().label("last"),
    )
