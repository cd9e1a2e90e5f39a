"""Everything Dagster is told about, assembled in one place."""

import dagster as dg

from quel_dagster import categories
from quel_dagster.alerting.sensor import alerts_sensor
from quel_dagster.intake.sensor import build_job_queue
from quel_dagster.launch.sensor import send_again_sensor
from quel_dagster.maintenance.backfill import backfill_production_path
from quel_dagster.maintenance.indexes import ensure_indexes
from quel_dagster.maintenance.quarantine import quarantine_sensor
from quel_dagster.maintenance.retention import forget_old_runs, forget_old_runs_schedule
from quel_dagster.maintenance.wrecks import build_close_stale_jobs
from quel_dagster.outcomes import sweep_once, sweep_sensor
from quel_dagster.resources import RESOURCES
from quel_dagster.statistics.checks import build_checks
from quel_dagster.statistics.hourly import build_hourly
from quel_dagster.statistics.overview import build_overview


@dg.definitions
def defs() -> dg.Definitions:
    """The categories' jobs, the front door and the back door, and the clients they use."""
    house = categories.load()
    paths = [category.path for category in house]
    runs = dg.Definitions(
        jobs=[
            *(category.job for category in house),
            sweep_once,
            backfill_production_path,
            ensure_indexes,
            build_close_stale_jobs(paths),
            forget_old_runs,
        ],
        sensors=[
            build_job_queue(house),
            sweep_sensor,
            send_again_sensor,
            quarantine_sensor,
            alerts_sensor,
        ],
        schedules=[forget_old_runs_schedule],
        resources=RESOURCES,
        executor=dg.in_process_executor,  # a worker's process executes whole runs
    )
    return dg.Definitions.merge(
        runs, build_hourly(paths), build_overview(paths), build_checks(paths)
    )
