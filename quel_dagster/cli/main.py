"""The `quel` command: which commands there are, and how their failures are told.

A command's module is imported when the command is asked for: each needs much that others do not,
and an image has no need of what only `quel up`, `quel demo` and `quel chaos` use.
"""

import sys
from importlib import import_module
from typing import Never, cast

import click
from rich.console import Console
from rich.markup import escape
from sqlalchemy.exc import ProgrammingError

from quel_dagster.model.errors import QuelError

COMMANDS = {
    "api": ("api", "Serves orders, cancels and metrics over HTTP."),
    "cancel": ("cancel", "Cancels a job."),
    "chaos": ("chaos", "Breaks what can break under real jobs, and counts."),
    "daemon": ("daemon", "Runs Dagster's daemon, one at a time."),
    "demo": ("stack", "Starts everything here and places sample orders."),
    "dispatch": ("dispatch", "Starts the run of an order at its ring."),
    "explain": ("explain", "Tells how a job was read and what is sent for it."),
    "migrate": ("database", "Brings the database to this version's schema."),
    "order": ("order", "Places an order as the front end does."),
    "reconcile": ("reconcile", "Shows what does not add up in the books."),
    "status": ("status", "Shows what waits, runs and ended, and every server."),
    "up": ("stack", "Starts everything here, and waits."),
    "worker": ("worker", "Executes runs in warm processes."),
    "workflows": ("workflows", "Checks the ComfyUI graphs of the paths."),
}
"""The module of each command, and the line that tells of it in the list of all."""
OF_THE_DEMO = {"up", "demo", "chaos"}
"""These need the extra of that name."""


class Commands(click.Group):
    """Finds a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name.

        Raises:
            click.ClickException: what it needs is not installed.
        """
        if cmd_name not in COMMANDS:
            return None
        name, _ = COMMANDS[cmd_name]
        try:
            module = import_module(f"quel_dagster.cli.{name}")
        except ModuleNotFoundError as error:
            if cmd_name not in OF_THE_DEMO:
                raise
            raise click.ClickException(
                f"quel {cmd_name} needs {error.name}, which is not installed; "
                "the extra `demo` brings it: pip install 'quel-dagster[demo]'"
            ) from error
        return cast("click.Command", getattr(module, f"{cmd_name}_command"))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of all, which imports none."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="quel-dagster")
def quel() -> None:
    """Orders for pictures become path-tagged Dagster runs.

    `quel demo` shows everything on this machine; `quel up` starts the same services and waits.
    Every other command reads its addresses from the environment: `set -a; . .quel/env; set +a`.
    """


def main() -> None:
    """Runs a command; what went wrong is one line on standard error, exit status 1."""
    try:
        quel()
    except QuelError as error:
        fail(str(error))
    except ProgrammingError as error:
        what = str(error.orig).splitlines()[0]
        fail(f"the database is not what this version expects ({what}); run quel migrate")


def fail(message: str) -> Never:
    """Tells it and ends."""
    Console(stderr=True).print(f"[bold red]error:[/] {escape(message)}", highlight=False)
    sys.exit(1)
