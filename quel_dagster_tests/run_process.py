"""A process that executes one run, as the stock launcher's does, to be struck from outside.

`python -m quel_dagster_tests.run_process PATH CONFIG TAGS [EVENT STEP]`, configuration and tags as
JSON, with DAGSTER_HOME and our own variables in its environment. Told an event and a step, it asks
itself to stop right after that event, when Dagster executes no code of ours.
"""

import json
import os
import signal
import sys

import dagster as dg

from quel_dagster.definitions import defs


def job_named(path: str) -> dg.JobDefinition:
    return defs().resolve_job_def(path)


def stop_after(event_type: str, step: str, instance: dg.DagsterInstance) -> None:
    """The process hears SIGTERM as soon as its instance has kept the named event."""
    keep = instance.handle_new_event

    def kept(event: dg.EventLogEntry, *, batch_metadata: object = None) -> None:
        keep(event)
        kind = event.dagster_event
        if kind and (kind.event_type_value, kind.step_key) == (event_type, step):
            os.kill(os.getpid(), signal.SIGTERM)

    instance.handle_new_event = kept


def main() -> None:
    path, config, tags, *stop = sys.argv[1:]
    with dg.DagsterInstance.get() as instance:
        if stop:
            event_type, step = stop
            stop_after(event_type, step, instance)
        dg.execute_job(
            dg.build_reconstructable_job("quel_dagster_tests.run_process", "job_named", (path,)),
            instance=instance,
            run_config=json.loads(config),
            tags=json.loads(tags),
        )


if __name__ == "__main__":
    main()
