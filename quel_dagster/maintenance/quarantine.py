"""The sensor `quarantine`: ComfyUI servers that get no work are tried while no order comes, too.

Whoever looks for a server tries them besides. What a trial is, and when the next one is due, is
known to all in `services.backend_book`: however many look, one tries at a time.
"""

import dagster as dg

from quel_dagster.model.errors import Unavailable
from quel_dagster.services.backend_book import FIRST_TRIAL
from quel_dagster.services.comfyui.backends import Backends


@dg.sensor(
    name="quarantine",
    description="Tries ComfyUI servers that are in quarantine, until they render again.",
    minimum_interval_seconds=int(FIRST_TRIAL.total_seconds()),
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def quarantine_sensor(
    _context: dg.SensorEvaluationContext, backends: dg.ResourceParam[Backends]
) -> dg.SkipReason:
    """One look into the book. A trial goes on beside the ticks, on a thread of this process."""
    try:
        reasons = backends.retry()
    except Unavailable as error:
        return dg.SkipReason(str(error))
    return dg.SkipReason("; ".join(reasons) or "no server is in quarantine")
