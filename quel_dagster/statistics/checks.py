"""The checks of `path_overview`: when they run, what they read, and how a verdict is shown.

What is wrong and what to look at is decided in `verdicts`. A check that fails fails no run; it is
told to operators as an alert, once an hour.
"""

from collections.abc import Sequence
from datetime import datetime

import dagster as dg
import sqlalchemy as sa

from quel_dagster.model.alert import Alert, AlertKind
from quel_dagster.model.settings import Settings
from quel_dagster.services.outbox import Outbox
from quel_dagster.services.path_hours import PathHours
from quel_dagster.services.reconcile import reconcile
from quel_dagster.services.stuck import stuck_jobs as find_stuck_jobs
from quel_dagster.statistics import verdicts
from quel_dagster.statistics.overview import OVERVIEW
from quel_dagster.statistics.present import standings

WATCH = "*/5 * * * *"
CREDITS = "20 * * * *"
"""Each new page is checked as well (`overview`)."""

Database = dg.ResourceParam[sa.Engine]
Config = dg.ResourceParam[Settings]
Alerts = dg.ResourceParam[Outbox]


@dg.asset_check(asset=OVERVIEW, description="Whether too many of a path's jobs fail.")
def failure_rate(database: Database, settings: Config, outbox: Alerts) -> dg.AssetCheckResult:
    """Counted from the rows of the last hour, or as long as is configured."""
    check = settings.checks.failure_rate
    path_hours = PathHours(database)
    now = path_hours.now()
    lately = path_hours.measure(now - check.within, now)
    return result("failure_rate", verdicts.failure_rate(lately, check), now, outbox)


def build_oldest_waiting(paths: Sequence[str]) -> dg.AssetChecksDefinition:
    """The check over every path that has a category, and those that rows name besides."""

    @dg.asset_check(asset=OVERVIEW, description="Whether jobs wait too long.")
    def oldest_waiting(database: Database, settings: Config, outbox: Alerts) -> dg.AssetCheckResult:
        now = PathHours(database).now()
        found = standings(database, paths, settings.worker, now)
        verdict = verdicts.oldest_waiting(found, settings.checks.oldest_waiting)
        return result("oldest_waiting", verdict, now, outbox)

    return oldest_waiting


@dg.asset_check(asset=OVERVIEW, description="Whether jobs are in progress that nobody works on.")
def stuck_jobs(database: Database, settings: Config, outbox: Alerts) -> dg.AssetCheckResult:
    """By the leases, and by how long a job is in progress."""
    check = settings.checks.stuck_jobs
    stuck = find_stuck_jobs(database, lapsed=check.lapsed, running=check.running)
    now = PathHours(database).now()
    return result("stuck_jobs", verdicts.stuck_jobs(stuck, check), now, outbox)


@dg.asset_check(asset=OVERVIEW, description="Whether balances, ledger and pictures add up.")
def credits_reconcile(database: Database, settings: Config, outbox: Alerts) -> dg.AssetCheckResult:
    """What `quel reconcile` does, over the last day or as long as is configured."""
    books = reconcile(database, within=settings.checks.credits_reconcile.within)
    now = PathHours(database).now()
    return result("credits_reconcile", verdicts.credits_reconcile(books), now, outbox)


def result(
    name: str, verdict: verdicts.Verdict, now: datetime, outbox: Outbox
) -> dg.AssetCheckResult:
    """A verdict as Dagster shows it; a bad one is noted as an alert too, once an hour."""
    if verdict.wrong:
        event = f"{AlertKind.CHECK_FAILED}/{name}/{now:%Y-%m-%dT%H}"
        told = f"check {name}: {verdict.message}"
        outbox.note(Alert(event=event, kind=AlertKind.CHECK_FAILED, told=told))
    severity = dg.AssetCheckSeverity.ERROR if verdict.is_error else dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(
        check_name=name,
        passed=not verdict.wrong,
        severity=severity,
        description=verdict.message,
        metadata={"details": dg.MetadataValue.md(verdict.details), **verdict.figures},
    )


def build_checks(paths: Sequence[str]) -> dg.Definitions:
    """The four checks, the two jobs that run them, and their schedules."""
    watching = [failure_rate, build_oldest_waiting(paths), stuck_jobs]
    watch = dg.define_asset_job(
        "watch",
        selection=dg.AssetSelection.checks(*watching),
        description="Runs the checks of path_overview that read the present.",
        executor_def=dg.in_process_executor,
    )
    credits_job = dg.define_asset_job(
        "reconcile_credits",
        selection=dg.AssetSelection.checks(credits_reconcile),
        description="Runs the check of path_overview that reads a day of ledger and pictures.",
        executor_def=dg.in_process_executor,
    )
    running = dg.DefaultScheduleStatus.RUNNING
    return dg.Definitions(
        asset_checks=[*watching, credits_reconcile],
        jobs=[watch, credits_job],
        schedules=[
            dg.ScheduleDefinition(
                job=watch,
                cron_schedule=WATCH,
                default_status=running,
                description="Looks at the present more often than the page is drawn.",
            ),
            dg.ScheduleDefinition(
                job=credits_job,
                cron_schedule=CREDITS,
                default_status=running,
                description="Looks at the books also where no page could be drawn.",
            ),
        ],
    )
