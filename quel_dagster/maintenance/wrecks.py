"""The job `close_stale_jobs`: an operator looks at old wrecks, then decides what becomes of them.

What a wreck is, and how one is ended, is known to `services.wrecks`.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from uuid import UUID

import dagster as dg
import sqlalchemy as sa
from pydantic import Field

from quel_dagster.maintenance.spans import Span, in_words
from quel_dagster.model.errors import QuelError
from quel_dagster.model.job import NO_PATH
from quel_dagster.model.section import duration
from quel_dagster.model.settings import Settings, WorkerSettings
from quel_dagster.services.wrecks import Fate, Wreck, Wrecks

AGES = tuple(timedelta(days=days) for days in (365, 90, 30, 7, 1, 0))
"""Lower bounds of the ages by which wrecks are listed."""
LISTED = 200
"""Wrecks that are listed one by one."""
EVERY = 500
"""Wrecks between two lines of progress."""


class WrecksConfig(dg.Config):
    """Which rows are wrecks, and what becomes of them."""

    dry_run: bool = Field(
        default=True, description="Only list them, by path and age. Changes nothing."
    )
    max_age: Span = Field(
        default="7d",
        description="For how long nothing has touched such a row: not its writer, which updated_at "
        "shows, and no attempt of ours.",
    )
    action: Fate = Field(
        default=Fate.fail,
        description="fail: closed as failed with the reason, or as completed where pictures were "
        "delivered. put_back: waits as if just ordered, and its customer pays for the pictures "
        "that are made; created_at becomes now where it lies before the cut-off, for else it "
        "would never be let in.",
    )
    reason: str = Field(
        default="nobody worked on this order for a long time",
        min_length=1,
        description="Stands in error_message, which customers may see.",
    )
    paths: list[str] = Field(
        default=[],
        description="Paths whose rows may be touched, with `none` for rows that name none. Empty: "
        "the enabled paths and none. Others are listed and left alone.",
    )
    in_line: bool = Field(
        default=False,
        description="Touch also orders that are let in by themselves as soon as their path has "
        "room: those that wait, from after the cut-off.",
    )
    max_jobs: int = Field(
        default=0, ge=0, description="Rows to touch in this run, the oldest first. 0: all."
    )


def build_close_stale_jobs(served: Collection[str]) -> dg.JobDefinition:
    """The job `close_stale_jobs`.

    Args:
        served: the paths that have a category.
    """

    @dg.op(description="Lists rows that wait or run and that nobody owns; ends them if told to.")
    def end_wrecks(
        context: dg.OpExecutionContext,
        config: WrecksConfig,
        database: dg.ResourceParam[sa.Engine],
        settings: dg.ResourceParam[Settings],
    ) -> None:
        lease = settings.worker.attempts.lease
        wrecks = Wrecks(database, max_age=duration(config.max_age), lease=lease)
        paths = {*config.paths} or open_paths(served, settings.worker)
        try:
            found = wrecks.find()
            chosen = choose(found, paths, config)
            report(context, found, chosen)
            if config.dry_run:
                context.log.info("dry run: nothing was changed; launch with dry_run: false to act")
                return
            end(context, wrecks, chosen, config)
        except QuelError as error:
            raise dg.Failure(description=str(error), allow_retries=False) from error

    @dg.job(
        name="close_stale_jobs",
        description="Lists rows that have waited or run for long and that nobody owns, by path and "
        "age. With dry_run: false they are failed with a reason, or put back.",
        executor_def=dg.in_process_executor,
    )
    def close_stale_jobs() -> None:
        end_wrecks()

    return close_stale_jobs


def open_paths(served: Iterable[str], settings: WorkerSettings) -> set[str]:
    """The enabled paths, and `none`, which the fallback serves."""
    return {NO_PATH, *(path for path in served if settings.path(path).enabled)}


def choose(found: Sequence[Wreck], paths: Collection[str], config: WrecksConfig) -> list[Wreck]:
    """The wrecks that a run with this configuration ends, the oldest first."""
    chosen = [
        wreck for wreck in found if wreck.path in paths and (config.in_line or not wreck.in_line)
    ]
    return chosen[: config.max_jobs or None]


def report(context: dg.OpExecutionContext, found: Sequence[Wreck], chosen: Sequence[Wreck]) -> None:
    """Lists them by path and age, and the oldest one by one."""
    context.log.info(f"{len(found)} rows are stale, {len(chosen)} of them to be ended")
    context.add_output_metadata({"stale": len(found), "to_be_ended": len(chosen)})
    if found:
        groups = by_path_and_age(found, {wreck.job_id for wreck in chosen})
        context.add_output_metadata({"by_path_and_age": groups})
    if chosen:
        context.add_output_metadata({"the_oldest_to_be_ended": one_by_one(chosen[:LISTED])})


def by_path_and_age(found: Iterable[Wreck], chosen: Collection[UUID]) -> dg.TableMetadataValue:
    """A row for each path, status and age, with how many there are and how many of them chosen."""
    groups: defaultdict[tuple[str, str, timedelta], list[Wreck]] = defaultdict(list)
    for wreck in found:
        since = next(bound for bound in AGES if wreck.age >= bound)
        groups[wreck.path, wreck.status.value, since].append(wreck)
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    "path": path,
                    "status": status,
                    "age": f"{since.days} days or more",
                    "rows": len(wrecks),
                    "in line": sum(wreck.in_line for wreck in wrecks),
                    "to be ended": sum(wreck.job_id in chosen for wreck in wrecks),
                }
            )
            for (path, status, since), wrecks in sorted(groups.items())
        ]
    )


def one_by_one(wrecks: Iterable[Wreck]) -> dg.TableMetadataValue:
    """A row for each."""
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    "job_id": str(wreck.job_id),
                    "path": wreck.path,
                    "status": wreck.status.value,
                    "age": in_words(wreck.age),
                }
            )
            for wreck in wrecks
        ]
    )


def end(
    context: dg.OpExecutionContext, wrecks: Wrecks, chosen: Sequence[Wreck], config: WrecksConfig
) -> None:
    """Ends them one by one, each in its own transaction: a run that is stopped has ended some."""
    statuses: Counter[str] = Counter()
    for number, wreck in enumerate(chosen, start=1):
        status = wrecks.end(wreck, config.action, config.reason)
        statuses[status.value if status else "left_alone"] += 1
        if number % EVERY == 0:
            context.log.info(f"{number} of {len(chosen)} rows are ended")
    context.log.info(", ".join(f"{name}: {count}" for name, count in sorted(statuses.items())))
    context.add_output_metadata(dict(statuses))
