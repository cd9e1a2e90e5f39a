"""The job `backfill_production_path`: launched by an operator, watched in the UI, safe to stop.

What it does to a table is known to `services.backfill`.
"""

import time
from contextlib import closing
from typing import Annotated

import dagster as dg
import sqlalchemy as sa
from pydantic import AfterValidator, Field

from quel_dagster.maintenance.spans import Span, in_words
from quel_dagster.model.errors import QuelError
from quel_dagster.model.section import duration
from quel_dagster.services import backfill
from quel_dagster.services.backfill import PATH, TABLES, Outlook, Progress, Terms

EVERY = 5.0
"""Seconds between two reports of progress."""


def known(tables: list[str]) -> list[str]:
    """The same tables, if all of them have a path."""
    if unknown := set(tables) - set(TABLES):
        raise ValueError(f"no such table: {', '.join(sorted(unknown))}; use {', '.join(TABLES)}")
    return tables


class BackfillConfig(dg.Config):
    """How the rows without a path become rows of fashion."""

    dry_run: bool = Field(
        default=True, description="Only count, and tell what would be done. Changes nothing."
    )
    tables: Annotated[list[str], AfterValidator(known)] = Field(
        default=list(TABLES), description="Tables to fill, one after the other."
    )
    batch_size: int = Field(
        default=10_000,
        ge=1,
        description="Most rows of one transaction. Batches become smaller by themselves when they "
        "take longer than 250ms, because whoever wants one of their rows waits for so long.",
    )
    pause: Span = Field(
        default="20ms",
        description="Rest after each batch. A longer one spares replicas and disks and takes "
        "longer; 0s is as fast as can be.",
    )
    max_rows: int = Field(
        default=0,
        ge=0,
        description="Rows of each table after which this run ends well, for a first try. 0: all.",
    )
    statement_timeout: Span = Field(
        default="4s",
        description="Longest time of a statement. A batch that exceeds it is undone and tried "
        "again with half as many rows. Counting has 10m.",
    )
    lock_timeout: Span = Field(
        default="250ms",
        description="Longest wait for a lock on a table, and so the longest that other traffic "
        "waits behind this run. Rows that somebody holds are not waited for.",
    )
    keep_updated_at: bool = Field(
        default=True,
        description="Leave updated_at as it is. The table's own trigger would make every row look "
        "freshly touched; while this run lasts, a trigger of ours behind it puts the old value "
        "back, for this run's changes only. That takes the table's owner, no superuser, and a "
        "tenth of the speed. If false, updated_at becomes the time of the change.",
    )
    set_default: bool = Field(
        default=False,
        description="Also make the path the default of the column, before the first batch, so that "
        "rows written without one stay away for good. It needs the table for a moment.",
    )

    @property
    def terms(self) -> Terms:
        """The same as the service knows it."""
        return Terms(
            batch_size=self.batch_size,
            pause=duration(self.pause),
            max_rows=self.max_rows,
            statement_timeout=duration(self.statement_timeout),
            lock_timeout=duration(self.lock_timeout),
            keep_updated_at=self.keep_updated_at,
            set_default=self.set_default,
        )


@dg.op(description="Gives rows without a production path the path fashion.")
def name_paths(
    context: dg.OpExecutionContext, config: BackfillConfig, database: dg.ResourceParam[sa.Engine]
) -> None:
    """Plans in a dry run, else fills; the run fails when a row is left that should not be.

    Raises:
        dagster.Failure: rows are left, or the database refused.
    """
    try:
        if config.dry_run:
            for table in config.tables:
                text = plan(backfill.look(database, table), config)
                context.log.info(text)
                context.add_output_metadata({table: text})
            context.log.info("dry run: nothing was changed; launch with dry_run: false to do it")
            return
        left = {table: fill(context, database, table, config.terms) for table in config.tables}
    except QuelError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
    if any(left.values()) and not config.max_rows:
        raise dg.Failure(
            description=f"rows without a path are left: {left}; see the log for who may hold them, "
            "and launch again; with set_default: true where new ones keep coming",
            allow_retries=False,
        )
    context.add_output_metadata({f"left in {table}": rows for table, rows in left.items()})


def plan(outlook: Outlook, config: BackfillConfig) -> str:
    """What a run with this configuration would do to a table."""
    rows = min(outlook.left, config.max_rows or outlook.left)
    batches = -(-rows // config.batch_size)
    pauses = batches * duration(config.pause)
    touching = ", ".join(outlook.touching)
    if not touching:
        fresh = "nothing touches updated_at"
    elif config.keep_updated_at:
        fresh = f"updated_at is kept, whatever {touching} does"
    else:
        fresh = f"updated_at becomes the time of the change, by {touching}"
    default = f"the column's default is {outlook.path_default or 'none'}"
    if config.set_default and not outlook.has_default:
        default += f" and becomes '{PATH}'"
    return (
        f"{outlook.table} ({outlook.size}): {outlook.left} rows "
        f"have no path; {rows} would get '{PATH}' in {batches} transactions or more, with "
        f"{in_words(pauses)} of pauses; {fresh}; {default}"
    )


def fill(context: dg.OpExecutionContext, database: sa.Engine, table: str, terms: Terms) -> int:
    """Fills one table, tells how far it is, and counts the rows that are left at the end."""
    with closing(backfill.fill(database, table, terms, context.log.warning)) as steps:
        last = next(steps)
        told = time.monotonic()
        try:
            for last in steps:
                if time.monotonic() - told >= EVERY:
                    told = time.monotonic()
                    context.log.info(in_a_line(last))
                    context.log_event(dg.AssetObservation(key(table), metadata=figures(last)))
        except (dg.DagsterExecutionInterruptedError, KeyboardInterrupt):
            context.log.warning(f"{in_a_line(last)}; stopped: launch again to go on from here")
            raise
    context.log.info(f"{in_a_line(last)}; verified by a count of the table")
    if last.left:
        for holder in backfill.holders(database, table):
            context.log.warning(f"{table}: rows may be held by {holder}")
    context.log_event(dg.AssetMaterialization(key(table), metadata=figures(last)))
    return last.left


def key(table: str) -> dg.AssetKey:
    """Under which the UI keeps and draws the progress."""
    return dg.AssetKey(["backfill", table])


def in_a_line(progress: Progress) -> str:
    """How far it is, for the log."""
    return (
        f"{progress.table}: {progress.done} rows done, {progress.left} left, "
        f"{progress.rate:.0f} rows/s, {in_words(progress.to_go)} to go"
    )


def figures(progress: Progress) -> dict[str, int | float | str]:
    """How far it is, for the UI to draw."""
    return {
        "done": progress.done,
        "left": progress.left,
        "rows_per_second": round(progress.rate, 1),
        "time_to_go": in_words(progress.to_go),
    }


@dg.job(
    description="Gives rows without a production path the path fashion, beside live traffic. "
    "Launch it as it is for a dry run, then with dry_run: false. Terminated or killed, it goes on "
    "where it was when it is launched again; a second one beside it shares the work.",
    executor_def=dg.in_process_executor,
)
def backfill_production_path() -> None:
    """The job of one backfill."""
    name_paths()
