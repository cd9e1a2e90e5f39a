"""Everything Dagster is told about, assembled in one place."""

import dagster as dg

from quel_dagster import categories
from quel_dagster.intake.sensor import build_job_queue
from quel_dagster.outcomes import sweep_once, sweep_sensor
from quel_dagster.resources import RESOURCES


@dg.definitions
def defs() -> dg.Definitions:
    """The categories' jobs, the front door and the back door, and the clients they use."""
    house = categories.load()
    return dg.Definitions(
        jobs=[*(category.job for category in house), sweep_once],
        sensors=[build_job_queue(house), sweep_sensor],
        resources=RESOURCES,
    )
