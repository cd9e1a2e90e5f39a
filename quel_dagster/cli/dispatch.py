"""`quel dispatch`: the second front door, as a process."""

import logging
import signal
import threading
import warnings
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import FrameType

import click
import dagster as dg

from quel_dagster import categories
from quel_dagster.dispatch.dispatcher import Dispatcher
from quel_dagster.dispatch.starting import Starter, workspace_of
from quel_dagster.environment import here

workspace_option = click.option(
    "-w",
    "--workspace",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=Path("workspace.yaml"),
    show_default=True,
    help="The workspace file, the same as the daemon's.",
)


@click.command("dispatch")
@workspace_option
@click.option(
    "--ready",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file that is written anew after each pass, every few seconds at least.",
)
def dispatch_command(workspace: Path, ready: Path | None) -> None:
    """Starts the run of an order as soon as it is rung for, or its path has room, until SIGTERM.

    Beside the sensor `job_queue`, which serves what this misses; any number may run.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s: %(message)s")
    logging.getLogger("quel_dagster").setLevel(logging.INFO)
    # What is away is told in one line, and this would be its whole traceback at each try.
    warnings.filterwarnings("ignore", message="Error loading repository location")
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    def passed() -> None:
        if ready:
            ready.write_text("")

    def over(_future: Future[None]) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    place = here()
    place.check_dagster_home()
    with (
        dg.DagsterInstance.get() as instance,
        workspace_of(instance, workspace) as context,
        ThreadPoolExecutor(1, "dispatch") as threads,
    ):
        starter = Starter(context, categories.load())
        worker = place.settings.worker
        dispatcher = Dispatcher(instance, starter, place.doorbell, place.store, worker, passed)
        serving = threads.submit(dispatcher.serve, stop)
        serving.add_done_callback(over)
        stop.wait()
        dispatcher.wake()
        serving.result()
    if ready:
        ready.unlink(missing_ok=True)
