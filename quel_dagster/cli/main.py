"""The `quel` command and how its failures are told."""

import sys

import click
from rich.console import Console

from quel_dagster.cli.cancel import cancel_command
from quel_dagster.cli.chaos import chaos_command
from quel_dagster.cli.database import migrate_command, status_command
from quel_dagster.cli.order import order_command
from quel_dagster.cli.reconcile import reconcile_command
from quel_dagster.cli.stack import demo_command, up_command
from quel_dagster.demo.supervisor import StackFailed
from quel_dagster.model.errors import QuelError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="quel-dagster")
def quel() -> None:
    """Orders for pictures become path-tagged Dagster runs.

    `quel demo` shows everything on this machine; `quel up` starts the same services and waits.
    Every other command reads its addresses from the environment: `set -a; . .quel/env`.
    """


quel.add_command(up_command)
quel.add_command(demo_command)
quel.add_command(migrate_command)
quel.add_command(order_command)
quel.add_command(cancel_command)
quel.add_command(reconcile_command)
quel.add_command(status_command)
quel.add_command(chaos_command)


def main() -> None:
    """Runs a command; what went wrong is one line on standard error, exit status 1."""
    try:
        quel()
    except (QuelError, StackFailed) as error:
        Console(stderr=True).print(f"[bold red]error:[/] {error}", highlight=False)
        sys.exit(1)
