"""`quel migrate` and `quel status`: the two commands that need only PostgreSQL."""

import json

import click
from rich.console import Console
from rich.table import Table

from quel_dagster.environment import here
from quel_dagster.services.migrations import migrate, record_cut_off

COLUMNS = ("pending", "reserved", "running", "completed", "failed", "user_cancelled")


@click.command("migrate")
def migrate_command() -> None:
    """Brings the database to this version's schema. Creates what is missing, drops nothing."""
    place = here()
    applied = migrate(place.engine)
    since = record_cut_off(place.engine, place.settings.worker.pending.max_age)
    console = Console()
    for name in applied:
        console.print(f"applied {name}", highlight=False)
    console.print(
        f"the schema is up to date; jobs from before {since:%Y-%m-%d %H:%M %Z} are never started",
        highlight=False,
    )


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: path to counts.")
def status_command(as_json: bool) -> None:
    """Shows per path what waits, runs, and ended in the last 24 hours."""
    paths = here().store.status()
    if as_json:
        click.echo(json.dumps(paths))
        return
    table = Table("path", *(name.replace("_", " ") for name in COLUMNS))
    for path, counts in paths.items():
        table.add_row(path, *(str(counts[name]) for name in COLUMNS))
    Console().print(table)
