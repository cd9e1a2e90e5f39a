"""Rings for jobs that stand in PostgreSQL, and keeps nobody waiting while Redis does not answer.

A ring that is not made costs latency only: the job is found by its age.
"""

import logging
import time
from uuid import UUID

from quel_dagster.model.errors import Unavailable
from quel_dagster.services.queue import JobQueue

QUIET = 5.0
"""Seconds in which Redis is not tried again. One that hangs would hold every thread for as long."""

log = logging.getLogger(__name__)


class Bell:
    """The doorbell, from any thread.

    Args:
        queue: the lists.
    """

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue
        self._quiet_until = 0.0

    def ring(self, job_id: UUID) -> int | None:
        """How many rings the list holds now; None where Redis could not be told."""
        if time.monotonic() < self._quiet_until:
            return None
        try:
            return self._queue.ring(job_id)
        except Unavailable as error:
            log.warning("job %s was not rung for and is found by its age: %s", job_id, error)
            self._quiet_until = time.monotonic() + QUIET
            return None
