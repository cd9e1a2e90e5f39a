"""The `quel` command and how its failures are told."""

import sys
from typing import Never

import click
from rich.console import Console
from rich.markup import escape
from sqlalchemy.exc import ProgrammingError

from quel_dagster.cli.api import api_command
from quel_dagster.cli.cancel import cancel_command
from quel_dagster.cli.chaos import chaos_command
from quel_dagster.cli.daemon import daemon_command
from quel_dagster.cli.database import migrate_command
from quel_dagster.cli.dispatch import dispatch_command
from quel_dagster.cli.explain import explain_command
from quel_dagster.cli.order import order_command
from quel_dagster.cli.reconcile import reconcile_command
from quel_dagster.cli.stack import demo_command, up_command
from quel_dagster.cli.status import status_command
from quel_dagster.cli.worker import worker_command
from quel_dagster.cli.workflows import workflows_command
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
quel.add_command(api_command)
quel.add_command(migrate_command)
quel.add_command(order_command)
quel.add_command(cancel_command)
quel.add_command(reconcile_command)
quel.add_command(status_command)
quel.add_command(explain_command)
quel.add_command(workflows_command)
quel.add_command(worker_command)
quel.add_command(dispatch_command)
quel.add_command(daemon_command)
quel.add_command(chaos_command)


def main() -> None:
    """Runs a command; what went wrong is one line on standard error, exit status 1."""
    try:
        quel()
    except (QuelError, StackFailed) as error:
        fail(str(error))
    except ProgrammingError as error:
        what = str(error.orig).splitlines()[0]
        fail(f"the database is not what this version expects ({what}); run quel migrate")


def fail(message: str) -> Never:
    """Tells it and ends."""
    Console(stderr=True).print(f"[bold red]error:[/] {escape(message)}", highlight=False)
    sys.exit(1)
