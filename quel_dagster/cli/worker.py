"""`quel worker`: executes runs, of all paths or of some."""

import sys
from collections.abc import Sequence
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import click

from quel_dagster import categories
from quel_dagster.definitions import defs
from quel_dagster.environment import Environment, here
from quel_dagster.launch.broker import GENERAL
from quel_dagster.launch.worker import Node, serve


@click.command("worker")
@click.option(
    "--paths",
    metavar="PATH,...",
    help=f"Paths to serve; `{GENERAL}` are the runs of no path. Left out: all of them.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1),
    help="Runs at once. Left out: as many as the paths' max_workers allow.",
)
@click.option("--name", default="quel", show_default=True, help="Of this Celery node.")
@click.option(
    "--grace",
    type=click.FloatRange(0),
    default=5.0,
    show_default=True,
    help="Seconds that runs may go on after SIGTERM before they hand their job back.",
)
@click.option(
    "--max-runs", default=500, show_default=True, help="A process is replaced after so many runs."
)
@click.option(
    "--max-memory",
    default=600,
    show_default=True,
    help="Or after the run with which it held more megabytes than this.",
)
@click.option(
    "--ready",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file that is there while runs are taken.",
)
def worker_command(
    paths: str | None,
    concurrency: int | None,
    name: str,
    grace: float,
    max_runs: int,
    max_memory: int,
    ready: Path | None,
) -> None:
    """Executes runs in warm processes, until SIGTERM.

    Any number of workers may serve any paths, on any machine that reaches the broker
    (QUEL_BROKER_URL, else the doorbell's Redis), the databases, S3 and ComfyUI.
    """
    place = here()
    place.check_dagster_home()
    queues = chosen(paths)
    if GENERAL in queues:  # here once for all, or in each process that ever draws
        import_module("quel_dagster.statistics.plots")
    node = Node(
        queues=queues,
        processes=concurrency or room(place, queues),
        name=name,
        grace=timedelta(seconds=grace),
        runs=max_runs,
        megabytes=max_memory,
        ready=ready,
    )
    sys.exit(serve(place, defs().get_repository_def(), node))


def chosen(paths: str | None) -> Sequence[str]:
    """The queues to serve.

    Raises:
        click.BadParameter: one of the paths is none.
    """
    known = [*sorted(category.path for category in categories.load()), GENERAL]
    if paths is None:
        return known
    wanted = [path.strip() for path in paths.split(",")]
    if unknown := [path for path in wanted if path not in known]:
        raise click.BadParameter(
            f"no path {', '.join(map(repr, unknown))}; use {', '.join(known)}",
            param_hint="--paths",
        )
    return list(dict.fromkeys(wanted))


def room(place: Environment, queues: Sequence[str]) -> int:
    """One process for each run that may be under way at once, so that none waits for another."""
    settings = place.settings.worker
    return sum(1 if queue == GENERAL else settings.path(queue).max_workers for queue in queues)
