"""The run launcher that `dagster.yaml` names: it sends a run to the workers, and terminates it.

Dagster's own `CeleryRunLauncher` does not fit: it terminates a run without noting that somebody
wanted it, which is how a job tells a cancel from a deploy; it notes a task's id only after sending
it; and it takes runs for dead whose Celery result is gone. How a run is executed is in `execution`.
"""

from datetime import UTC, datetime, timedelta
from functools import cached_property

import dagster as dg

from quel_dagster.environment import here
from quel_dagster.launch.broker import Broker, queue_of
from quel_dagster.launch.claims import Claims
from quel_dagster.launch.inside import PlainLauncher
from quel_dagster.model.errors import Unavailable

BATCH = 100
"""Runs that are sent again at a time."""


class WarmRunLauncher(PlainLauncher):
    """Sends runs to the Celery queue of their path. Addresses come from the environment."""

    @cached_property
    def broker(self) -> Broker:
        """Where runs are sent."""
        return Broker(here().broker_url)

    @cached_property
    def claims(self) -> Claims:
        """Who executes a run."""
        return Claims(here().dagster_engine)

    def launch(self, run: dg.DagsterRun) -> None:
        """Sends a run. A broker that is away fails no run: it is sent again later."""
        try:
            self._send(run)
        except Unavailable as error:
            self._instance.report_engine_event(
                f"{error}. The run is sent again later.", run, cls=type(self)
            )

    def terminate(self, run_id: str) -> bool:
        """Has the process that executes a run stop it; one that nobody executes ends here."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        with self.claims.hold(run_id) as nobody_has_it:
            if nobody_has_it:
                self._instance.report_run_canceled(run, "Terminated while no worker executed it.")
            else:
                self._instance.report_run_canceling(run)
        return True

    def send_again(self, age: timedelta) -> int:
        """Sends the runs that no worker has begun for so long; returns how many.

        Raises:
            Unavailable: the broker cannot be reached.
        """
        late = self._instance.get_runs(
            dg.RunsFilter(
                statuses=[dg.DagsterRunStatus.STARTING],
                updated_before=datetime.now(UTC) - age,
            ),
            limit=BATCH,
            ascending=True,
        )
        for run in late:
            self._send(run)
        return len(late)

    def dispose(self) -> None:
        """Closes the connections to the broker."""
        if "broker" in vars(self):
            self.broker.close()

    def _send(self, run: dg.DagsterRun) -> None:
        self.broker.send(run.run_id, queue_of(run.tags))
