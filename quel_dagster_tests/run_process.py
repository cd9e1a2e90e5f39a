"""A process that executes one run, as the stock launcher's does, to be struck from outside.

`RunProcess` starts it, with DAGSTER_HOME and our own variables in its environment. It says when it
has imported everything, and then reads which run it is to execute: no lease runs meanwhile. Told
events and steps, it asks itself to stop right after each such event, when Dagster executes no code
of ours, and once more while it hands its job back.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

import dagster as dg

from quel_dagster.definitions import defs
from quel_dagster.model.job import Outcome, Ticket
from quel_dagster.services.store import JobStore


class RunProcess(subprocess.Popen[str]):
    """The process, as whoever starts it sees it: ready, and waiting for its run.

    Args:
        variables: added to our own environment.
        stops: events and steps, after each of which it asks itself to stop.
    """

    def __init__(self, variables: Mapping[str, str], *stops: str) -> None:
        super().__init__(
            [sys.executable, "-m", "quel_dagster_tests.run_process", *stops],
            env={**os.environ, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.stdout
        assert self.stdout.readline() == READY
        self.stdout.close()

    def execute(self, job: str, config: object, tags: Mapping[str, str] | None = None) -> None:
        """Tells it which run; returns at once."""
        assert self.stdin
        json.dump({"job": job, "config": config, "tags": dict(tags or {})}, self.stdin)
        self.stdin.close()


READY = "ready\n"


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
    stops = sys.argv[1:]
    with dg.DagsterInstance.get() as instance:
        if stops:
            stop_after(list(zip(stops[::2], stops[1::2], strict=True)), instance)
        sys.stdout.write(READY)
        sys.stdout.flush()
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nobody reads on
        run = json.load(sys.stdin)
        name = (run["job"],)
        dg.execute_job(
            dg.build_reconstructable_job("quel_dagster_tests.run_process", "job_named", name),
            instance=instance,
            run_config=run["config"],
            tags=run["tags"],
        )


if __name__ == "__main__":
    main()
