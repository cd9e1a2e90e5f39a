"""`quel up` and `quel demo`: the embedded stack, alone and with sample orders."""

import json
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import UUID

import click
import sqlalchemy as sa
from rich.console import Console
from rich.live import Live
from rich.markup import escape

from quel_dagster.demo.contact_sheet import write_sheet
from quel_dagster.demo.dagster import Launcher
from quel_dagster.demo.front_end import FrontEnd
from quel_dagster.demo.home import write_environ
from quel_dagster.demo.report import Counts, as_json, as_table, count, runs_url, shortfall, total
from quel_dagster.demo.samples import SAMPLES, move_in, orders, resident
from quel_dagster.demo.stack import Options, Stack
from quel_dagster.demo.supervisor import Stop
from quel_dagster.environment import Environment, here

LOOK_EVERY = 0.5
"""Seconds between two looks at the rows, which is what the front end's page does too."""

API_PORT = 8000
"""Preferred; the next free one is taken when it is occupied."""
REASONS = 3
"""Orders' own words that are told where something is missing."""

home_option = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".quel"),
    show_default=True,
    help="Folder for data, logs and addresses.",
)
port_option = click.option(
    "--port", default=3000, show_default=True, help="Preferred port of the UI."
)
seconds_option = click.option(
    "--seconds", default=1.0, show_default=True, help="What a ComfyUI stand-in takes for a picture."
)
launcher_option = click.option(
    "--launcher",
    type=click.Choice(Launcher),
    default=Launcher.WARM,
    show_default=True,
    help="Who executes runs: a warm worker, or a new process for each as stock Dagster has it.",
)


@click.command("up")
@home_option
@port_option
@seconds_option
@launcher_option
def up_command(home: Path, port: int, seconds: float, launcher: Launcher) -> None:
    """Starts PostgreSQL, Redis, S3, two ComfyUI stand-ins and Dagster, and waits.

    A part whose address is set (QUEL_DATABASE_URL, QUEL_REDIS_URL, S3_ENDPOINT_URL, COMFYUI_URLS)
    is used and not started. Ctrl-C stops everything.
    """
    console = Console()
    with running(home, port, seconds, console, launcher) as stack:
        console.print("Ctrl-C stops everything.")
        ended = stack.wait()
    console.print(str(ended), highlight=False)
    if not isinstance(ended, Stop):
        raise click.exceptions.Exit(1)


@click.command("demo")
@home_option
@port_option
@seconds_option
@click.option("--orders", "number", type=click.IntRange(1), default=len(SAMPLES), show_default=True)
@click.option("--exit", "leave", is_flag=True, help="End when all orders are final.")
@click.option("--timeout", default=900.0, show_default=True, help="Seconds to wait with --exit.")
@click.option("--json", "machine", is_flag=True, help="The last line of stdout is one JSON object.")
def demo_command(
    home: Path, port: int, seconds: float, number: int, leave: bool, timeout: float, machine: bool
) -> None:
    """Starts the stack, places sample orders of every kind and shows what becomes of them.

    A contact sheet with a picture of every path and shape is written into the home folder.
    """
    console = Console(stderr=machine)
    with running(home, port, seconds, console) as stack:
        place = place_of(stack)
        front_end = FrontEnd(place.engine, place.queue)
        customers = move_in(place.engine, place.storage)
        started = time.monotonic()
        job_ids = [front_end.place(order) for order in orders(customers, number)]
        paths = watch(stack, place.engine, job_ids, console, timeout if leave else None)
        took = time.monotonic() - started
        for path in paths:
            tell(console, f"{path:8} {runs_url(stack.ui_url, path)}")
        if total(paths).is_final:
            tell(console, f"pictures {write_sheet(place, job_ids, home)}")
        missing = shortfall(total(paths), place.settings.credits.price_per_image)
        reasons = {row["error_message"] for row in front_end.read(job_ids)} if missing else set()
        if not leave:
            tell(console, "Ctrl-C stops everything.")
            stack.wait()
    tell(console, f"Everything is stopped; quel up --home {home} shows it again.")
    if machine:
        click.echo(json.dumps(as_json(paths, took)))
    if missing:
        for reason in sorted(str(each) for each in reasons if each)[:REASONS]:
            tell(console, escape(reason))
        tell(console, f"[bold red]{missing}[/]; see the runs and {home / 'log'}")
        raise click.exceptions.Exit(1)


@contextmanager
def running(
    home: Path, port: int, seconds: float, console: Console, launcher: Launcher = Launcher.WARM
) -> Generator[Stack]:
    """The stack, used with the addresses that the environment gives, and told to the console."""
    options = Options(
        given=here().variables,
        seconds=seconds,
        launcher=launcher,
        ui_port=port,
        api_port=API_PORT,
        max_age=here().settings.worker.pending.max_age,  # told if wrong, before anything starts
    )
    with ExitStack() as exits:
        with console.status("starting PostgreSQL, Redis, S3, two ComfyUI stand-ins and Dagster"):
            stack = exits.enter_context(Stack(home, options))
        exits.enter_context(stack.signals_as_events())
        taken = "" if stack.ui_url.endswith(f":{port}") else f"   (port {port} is taken)"
        tell(console, f"Dagster UI  {stack.ui_url}{taken}")
        tell(console, f"API         {stack.environ['QUEL_API_URL']}/docs")
        tell(console, f"ComfyUI     {', '.join(servers(place_of(stack)))}")
        if "postgres" in stack.parts:  # in nobody else's database is a member made up
            customer = str(resident(place_of(stack).engine))
            write_environ(home / "env", {**stack.environ, "QUEL_MEMBER_ID": customer})
            tell(console, f"customer    {customer}   QUEL_MEMBER_ID, to order as")
        tell(console, f"addresses   {home / 'env'}   logs {home / 'log'}")
        yield stack


def tell(console: Console, line: str) -> None:
    """A line of its own, however long: addresses are to be copied."""
    console.print(line, highlight=False, soft_wrap=True)


def place_of(stack: Stack) -> Environment:
    """The stack's services."""
    return Environment({**here().variables, **stack.environ})


def servers(place: Environment) -> Iterator[str]:
    """The ComfyUI servers, and which of them cannot be reached."""
    for each in place.backends.health():
        silent = " (does not answer)" if each.prompts is None else ""
        yield f"{each.url}{silent}"


def watch(
    stack: Stack,
    engine: sa.Engine,
    job_ids: Sequence[UUID],
    console: Console,
    patience: float | None,
) -> dict[str, Counts]:
    """Shows the counts until every order is final, the stack ends or the patience does."""
    started = time.monotonic()
    with Live(console=console, refresh_per_second=4) as live:
        while True:
            seconds = time.monotonic() - started
            paths = count(engine, job_ids)
            live.update(as_table(paths, seconds))
            ended = stack.wait(LOOK_EVERY)
            if ended:
                console.print(str(ended), highlight=False)
            if ended or total(paths).is_final or (patience and seconds > patience):
                break
    if not console.is_terminal:
        console.line()  # where nothing is drawn twice, the table ends without one
    return paths
