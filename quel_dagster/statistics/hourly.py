"""The assets `path_statistics/<path>`: what happened on each path, hour by hour, and who counts it.

`quel.path_hour` is the truth and keeps every hour; what Dagster is told is a copy, for its plots.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg
import sqlalchemy as sa

from quel_dagster.services.path_hours import HOUR, PathHour, PathHours

GROUP = "statistics"
DAYS_SHOWN = 62
"""Of so many days the UI offers the hours as partitions, back from when the code was loaded. A year
of them for each path would be more than anybody reads."""
OVERDUE_PER_RUN = 500
"""Hours beside its own that one run counts: some milliseconds each, then its metadata."""
MINUTE = 5
"""Minutes past the hour: every transaction that has a time of the last hour has ended by then."""


HOURS = dg.HourlyPartitionsDefinition(
    start_date=(datetime.now(UTC) - timedelta(days=DAYS_SHOWN)).strftime("%Y-%m-%d-00:00"),
    timezone="UTC",
)


def partition_of(moment: datetime) -> str:
    """The partition of the hour in which a moment lies."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d-%H:00")


def asset_key(path: str) -> dg.AssetKey:
    """The key of a path's statistics."""
    return dg.AssetKey(["path_statistics", path])


def build_path_statistics(paths: Sequence[str]) -> dg.AssetsDefinition:
    """One asset for each path. An hour is counted for all of them at once, whatever is selected."""
    specs = [
        dg.AssetSpec(
            asset_key(path),
            description=f"What happened on the path {path}, hour by hour, from quel.path_hour.",
            group_name=GROUP,
            kinds={"postgres"},
            partitions_def=HOURS,
            skippable=True,
        )
        for path in paths
    ]

    @dg.multi_asset(
        name="path_statistics",
        specs=specs,
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def path_statistics(
        context: dg.AssetExecutionContext, database: dg.ResourceParam[sa.Engine]
    ) -> Iterator[dg.AssetMaterialization]:
        path_hours = PathHours(database)
        window = context.partition_time_window
        chosen = [window.start + n * HOUR for n in range((window.end - window.start) // HOUR)]
        overdue = path_hours.overdue(OVERDUE_PER_RUN)
        late = [hour for hour in overdue if hour not in chosen]
        if late:
            context.log.info(f"{len(late)} other hours are late or were never counted")
        for hour in (*chosen, *late):
            yield from materializations(path_hours.refresh(hour, paths), paths)

    return path_statistics


def materializations(
    counted: Sequence[PathHour], paths: Sequence[str]
) -> Iterator[dg.AssetMaterialization]:
    """What Dagster is told of an hour. Paths without an asset stay in the table."""
    for each in counted:
        if each.path in paths and each.hour >= HOURS.start:
            yield dg.AssetMaterialization(
                asset_key(each.path),
                partition=partition_of(each.hour),
                metadata=figures(each),
            )


def figures(counted: PathHour) -> Mapping[str, dg.MetadataValue]:
    """An hour's figures by the names of their columns: numbers, so that the UI draws them."""
    metadata: dict[str, dg.MetadataValue] = {}
    for name, value in vars(counted).items():
        match value:
            case int():
                metadata[name] = dg.MetadataValue.int(value)
            case None | str() | datetime():
                pass
            case dict():
                metadata |= {f"failed_{kind}": dg.MetadataValue.int(n) for kind, n in value.items()}
            case _:
                metadata[name] = dg.MetadataValue.float(float(value))
    return metadata


def build_hourly(paths: Sequence[str]) -> dg.Definitions:
    """The assets, the job that counts the hour that has just ended, and its schedule."""
    assets = build_path_statistics(paths)
    job = dg.define_asset_job(
        "hourly_statistics",
        selection=[assets],
        description="Counts the hour that ended, and every hour that late events have touched.",
        executor_def=dg.in_process_executor,
    )

    @dg.schedule(
        job=job,
        cron_schedule=f"{MINUTE} * * * *",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Asks for the hour that ended. A tick that is missed is made up by the next.",
    )
    def hourly_statistics_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        return dg.RunRequest(partition_key=partition_of(context.scheduled_execution_time - HOUR))

    return dg.Definitions(assets=[assets], jobs=[job], schedules=[hourly_statistics_schedule])
