"""The asset `path_overview`: one page on which an operator sees how all paths are doing."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import dagster as dg
import sqlalchemy as sa

from quel_dagster.model.settings import Settings
from quel_dagster.services.path_hours import HOUR, PathHour, PathHours
from quel_dagster.statistics.hourly import GROUP
from quel_dagster.statistics.page import page, period
from quel_dagster.statistics.present import Standing, standings

OVERVIEW = dg.AssetKey("path_overview")
EVERY = "2-59/15 * * * *"
"""Each page is kept by Dagster: some 60 kB, so that a year of them is 2 GB. At minutes at which no
other job runs the checks: Dagster takes what was begun last for the newest verdict."""
DAY, WEEK = timedelta(days=1), timedelta(days=7)


def build_overview(paths: Sequence[str]) -> dg.Definitions:
    """The asset, its job and its schedule."""

    @dg.asset(
        key=OVERVIEW,
        group_name=GROUP,
        kinds={"postgres", "matplotlib"},
        description="How every path stands now and what it did in the last 24 hours and 7 days: "
        "open `overview` in its metadata.",
    )
    def path_overview(
        context: dg.AssetExecutionContext,
        database: dg.ResourceParam[sa.Engine],
        settings: dg.ResourceParam[Settings],
    ) -> None:
        path_hours = PathHours(database)
        now = path_hours.now()
        standing = standings(database, paths, settings.worker, now)
        hour = now.replace(minute=0, second=0, microsecond=0)
        # Nobody keeps the figures of the hour that is not over yet.
        week = [*path_hours.since(hour - WEEK), *path_hours.measure(hour, now)]
        periods = [
            of_period("Last 24 hours", week, paths, (hour - DAY, hour + HOUR)),
            of_period("Last 7 days", week, paths, (hour - WEEK, hour + HOUR)),
        ]
        text = page(now, standing, periods)
        context.add_output_metadata({"overview": dg.MetadataValue.md(text), **totals(standing)})

    return refreshing(path_overview)


def refreshing(page_of_paths: dg.AssetsDefinition) -> dg.Definitions:
    """The asset, with the job that draws it and the schedule.

    The job runs its checks too: the UI shows as not evaluated what was checked before the newest
    page.
    """
    job = dg.define_asset_job(
        "refresh_overview",
        selection=dg.AssetSelection.assets(page_of_paths),
        description="Draws the page of path_overview anew, now, and runs its checks.",
        executor_def=dg.in_process_executor,
    )
    schedule = dg.ScheduleDefinition(
        job=job,
        cron_schedule=EVERY,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Draws the page every quarter of an hour, and runs its checks.",
    )
    return dg.Definitions(assets=[page_of_paths], jobs=[job], schedules=[schedule])


def of_period(
    title: str,
    hours: Collection[PathHour],
    paths: Sequence[str],
    period_of: tuple[datetime, datetime],
) -> str:
    """One section of the page: whole hours and the running one, from a moment to another.

    Paths without a category come last, if anything happened there.
    """
    # matplotlib would cost the run of every job half a second of its start.
    from quel_dagster.statistics import plots  # noqa: PLC0415

    begin, until = period_of
    by_path = group([each for each in hours if each.hour >= begin], paths)
    drawn = {path: by_path[path] for path in paths}
    if until - begin < WEEK:
        shown = {
            "How jobs ended, and how many arrived, each hour": plots.outcomes(drawn, begin, until),
            "How long they waited and ran": plots.spans(drawn, begin, until),
        }
    else:
        in_six_hours = plots.outcomes(drawn, begin, until, width=6)
        shown = {"How jobs ended, and how many arrived, in six hours": in_six_hours}
    return period(title, by_path, shown)


def group(hours: Collection[PathHour], paths: Sequence[str]) -> Mapping[str, list[PathHour]]:
    """The hours of each path: of all `paths`, then of others where anything happened."""
    by_path: dict[str, list[PathHour]] = {path: [] for path in paths}
    for each in hours:
        by_path.setdefault(each.path, []).append(each)
    return by_path


def totals(standing: Sequence[Standing]) -> dict[str, dg.MetadataValue]:
    """Numbers that the UI draws over time."""
    return {
        "waiting": dg.MetadataValue.int(sum(each.waiting for each in standing)),
        "oldest_waiting_seconds": dg.MetadataValue.float(
            max((each.oldest.total_seconds() for each in standing), default=0.0)
        ),
        "running": dg.MetadataValue.int(sum(each.running for each in standing)),
        "arrived_last_hour": dg.MetadataValue.int(sum(each.arrived for each in standing)),
        "ended_last_hour": dg.MetadataValue.int(sum(each.ended for each in standing)),
    }
