"""The sensor that makes up for lost tasks: a run that no worker began is sent again.

A task is lost with a worker that had just taken it, with an emptied broker, or while the broker was
away. One that was merely late is executed once all the same: `execution` sees to that.
"""

from datetime import timedelta

import dagster as dg

from quel_dagster.launch.launcher import WarmRunLauncher
from quel_dagster.model.errors import Unavailable

EVERY = 60
"""Seconds between two looks."""
LATE = timedelta(seconds=60)
"""Age at which a run that was sent and not begun is sent again."""


@dg.sensor(
    name="send_again",
    description="Sends runs again that were sent to a worker and not begun within a minute.",
    minimum_interval_seconds=EVERY,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def send_again_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Looks once; it asks for no run."""
    launcher = context.instance.run_launcher
    if not isinstance(launcher, WarmRunLauncher):
        return dg.SkipReason("the run launcher is another")
    try:
        number = launcher.send_again(LATE)
    except Unavailable as error:
        return dg.SkipReason(str(error))
    return dg.SkipReason(f"runs sent again: {number}" if number else "no run is late")
