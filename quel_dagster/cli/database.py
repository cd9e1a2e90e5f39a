"""`quel migrate`: the schema of the database."""

import click
from rich.console import Console

from quel_dagster.environment import here
from quel_dagster.services.migrations import migrate, record_cut_off


@click.command("migrate")
def migrate_command() -> None:
    """Brings the database to this version's schema. Creates what is missing, drops nothing."""
    place = here()
    oldest = place.settings.worker.pending.max_age  # a wrong configuration changes no schema
    applied = migrate(place.engine)
    since = record_cut_off(place.engine, oldest)
    console = Console()
    for name in applied:
        console.print(f"applied {name}", highlight=False)
    console.print(
        f"the schema is up to date; jobs from before {since:%Y-%m-%d %H:%M %Z} are never started",
        highlight=False,
    )
