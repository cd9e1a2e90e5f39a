"""The job `forget_old_runs`: what Dagster keeps of the runs of jobs that ended long ago goes.

A run leaves about 70 KB in Dagster's tables, and nothing of ours reads it once it has ended: what
became of a job stands in its row, and the statistics in `quel.path_hour`.
"""

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg
from pydantic import Field

from quel_dagster.maintenance.spans import Span
from quel_dagster.model.section import duration
from quel_dagster.model.settings import Settings
from quel_dagster.pipeline.tags import PATH_TAG

Status = dg.DagsterRunStatus
ENDED = (Status.SUCCESS, Status.FAILURE, Status.CANCELED)
BATCH = 200
"""Runs that are read at a time, and between two lines of progress."""


class RetentionConfig(dg.Config):
    """Which runs go."""

    dry_run: bool = Field(default=False, description="Only count them. Deletes nothing.")
    older_than: Span | None = Field(
        default=None,
        description="How long ago they ended, such as 30d. Left out: `retention.runs` of the "
        "configuration.",
    )
    most: int = Field(
        default=20_000, ge=1, description="Runs to delete in this run, the oldest of a path first."
    )


@dataclass(kw_only=True)
class Forgotten:
    """What has been deleted, by path."""

    by_path: dict[str, int]
    began: float

    @property
    def runs(self) -> int:
        """How many."""
        return sum(self.by_path.values())

    @property
    def seconds(self) -> float:
        """For how long it has gone on."""
        return time.monotonic() - self.began


@dg.op(description="Deletes the runs of jobs, with their events, that ended long ago.")
def forget(
    context: dg.OpExecutionContext,
    config: RetentionConfig,
    settings: dg.ResourceParam[Settings],
) -> None:
    """One pass, the oldest first; a run that is stopped or killed has deleted some."""
    age = duration(config.older_than) if config.older_than else settings.retention.runs
    before = datetime.now(UTC) - age
    paths = known_paths(context.instance)
    if config.dry_run:
        counts = {path: count(context.instance, path, before) for path in sorted(paths)}
        context.log.info(f"dry run: {sum(counts.values())} runs ended before {before:%F %R %Z}")
        context.add_output_metadata({"to_delete": sum(counts.values()), **counts})
        return
    done = Forgotten(by_path=dict.fromkeys(sorted(paths), 0), began=time.monotonic())
    for path in done.by_path:
        for run_id in old_runs(context.instance, path, before):
            if done.runs >= config.most:
                break
            context.instance.delete_run(run_id)
            done.by_path[path] += 1
            if done.runs % BATCH == 0:
                context.log.info(f"{done.runs} runs deleted in {done.seconds:.0f} s")
    context.log.info(f"{done.runs} runs that ended before {before:%F %R %Z} are deleted")
    context.add_output_metadata(
        {"deleted": done.runs, "seconds": round(done.seconds, 1), **done.by_path}
    )


def known_paths(instance: dg.DagsterInstance) -> Collection[str]:
    """Every path of which there is a run, also those whose category is gone."""
    return {path for _, paths in instance.get_run_tags([PATH_TAG]) for path in paths}


def of_path(path: str, before: datetime) -> dg.RunsFilter:
    """Runs of a path's job that have ended, and since then nothing has touched."""
    return dg.RunsFilter(job_name=path, statuses=list(ENDED), updated_before=before)


def count(instance: dg.DagsterInstance, path: str, before: datetime) -> int:
    """How many of them there are."""
    return instance.get_runs_count(of_path(path, before))


def old_runs(instance: dg.DagsterInstance, path: str, before: datetime) -> Iterator[str]:
    """Their ids, the oldest first. Who asks for the next one has deleted those before it."""
    wanted = of_path(path, before)
    while batch := instance.get_runs(wanted, limit=BATCH, ascending=True):
        yield from (run.run_id for run in batch)


@dg.job(
    description="Deletes what Dagster keeps of the runs of jobs that ended long ago. Statistics, "
    "jobs, pictures and charges stay. Dry run in the launchpad: `dry_run: true`.",
    executor_def=dg.in_process_executor,
)
def forget_old_runs() -> None:
    """The job of one pass."""
    forget()


forget_old_runs_schedule = dg.ScheduleDefinition(
    job=forget_old_runs,
    cron_schedule="17 * * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every hour, so that each pass is short.",
)
