"""The sensor that opens the front door: every job it lets in becomes one run."""

import warnings
from collections.abc import Sequence

import dagster as dg

from quel_dagster.intake.admission import let_in
from quel_dagster.model.settings import Settings
from quel_dagster.pipeline.category import Category
from quel_dagster.services.queue import JobQueue
from quel_dagster.services.store import JobStore

# Dagster copies a sensor whose jobs it gives their resources, and warns of a parameter of its own.
warnings.filterwarnings("ignore", message="Parameter `owners`", category=dg.BetaWarning)


def build_job_queue(categories: Sequence[Category]) -> dg.SensorDefinition:
    """The sensor `job_queue` over every category's job."""
    by_path = {category.path: category for category in categories}

    @dg.sensor(
        name="job_queue",
        description="Lets waiting jobs in, by ring or by age, and starts a run for each.",
        jobs=[category.job for category in categories],
        minimum_interval_seconds=1,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def job_queue(
        context: dg.SensorEvaluationContext,
        queue: dg.ResourceParam[JobQueue],
        store: dg.ResourceParam[JobStore],
        settings: dg.ResourceParam[Settings],
    ) -> dg.SensorResult | dg.SkipReason:
        worker = settings.worker
        reservations = let_in(context.instance, by_path, queue, store, worker, context.log)
        if not reservations:
            return dg.SkipReason("no job to let in")
        return dg.SensorResult(
            run_requests=[by_path[found.path].run_request(found) for found in reservations]
        )

    return job_queue
