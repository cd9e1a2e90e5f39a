"""A process that executes one run, as the stock launcher's does, to be struck from outside.

`python -m quel_dagster_tests.run_process PATH CONFIG TAGS [EVENT STEP]...`, configuration and tags
as JSON, with DAGSTER_HOME and our own variables in its environment. Told events and steps, it asks
itself to stop right after each such event, when Dagster executes no code of ours, and once more
while it hands its job back.
"""

import json
import os
import signal
import sys
from collections.abc import Sequence

import dagster as dg

from quel_dagster.definitions import defs
from quel_dagster.model.job import Outcome, Ticket
from quel_dagster.services.store import JobStore


def job_named(path: str) -> dg.JobDefinition:
    return defs().resolve_job_def(path)


def stop_after(moments: Sequence[tuple[str, str]], instance: dg.DagsterInstance) -> None:
    """The process hears SIGTERM as soon as its instance has kept such an event of such a step."""
    keep, hand_back = instance.handle_new_event, JobStore.hand_back

    def kept(event: dg.EventLogEntry, *, batch_metadata: object = None) -> None:
        keep(event)
        kind = event.dagster_event
        if kind and (kind.event_type_value, kind.step_key) in moments:
            os.kill(os.getpid(), signal.SIGTERM)

    def handed_back(self: JobStore, ticket: Ticket, message: str) -> Outcome:
        os.kill(os.getpid(), signal.SIGTERM)
        return hand_back(self, ticket, message)

    instance.handle_new_event = kept
    JobStore.hand_back = handed_back


def main() -> None:
    path, config, tags, *stops = sys.argv[1:]
    with dg.DagsterInstance.get() as instance:
        if stops:
            stop_after(list(zip(stops[::2], stops[1::2], strict=True)), instance)
        dg.execute_job(
            dg.build_reconstructable_job("quel_dagster_tests.run_process", "job_named", (path,)),
            instance=instance,
            run_config=json.loads(config),
            tags=json.loads(tags),
        )


if __name__ == "__main__":
    main()
