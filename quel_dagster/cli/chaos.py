"""`quel chaos`: the kill matrix, with everything it needs started for it and stopped again."""

import json
import shlex
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich.console import Console
from rich.table import Table

from quel_dagster.demo.chaos.faults import BY_NAME, FAULTS
from quel_dagster.demo.chaos.guards import Guard
from quel_dagster.model.errors import ConfigurationError


@click.command("chaos")
@click.option(
    "--jobs", type=click.IntRange(1), default=220, show_default=True, help="Over all faults."
)
@click.option(
    "--fault",
    "names",
    multiple=True,
    type=click.Choice(list(BY_NAME)),
    help="Only this one; may be given again.",
)
@click.option("--list", "only_list", is_flag=True, help="Shows the faults and ends.")
@click.option(
    "--remove",
    "removed",
    multiple=True,
    type=click.Choice([guard.value for guard in Guard]),
    help="Takes a guard out, which must turn the matrix red.",
)
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for data and logs, empty or new.  [default: a temporary one]",
)
@click.option(
    "--write", "page", type=click.Path(dir_okay=False, path_type=Path), help="A Markdown file."
)
@click.option("--json", "machine", is_flag=True, help="The last line of stdout is one JSON object.")
def chaos_command(
    jobs: int,
    names: tuple[str, ...],
    only_list: bool,
    removed: tuple[str, ...],
    home: Path | None,
    page: Path | None,
    machine: bool,
) -> None:
    """Breaks what can break under real jobs, fault after fault, and counts what became of them.

    Starts services of its own; what runs already is not touched. Exit status 0 only when nothing
    was lost, doubled, overdrawn, let in beyond a limit, changed too late or rendered for nothing.
    """
    if only_list:
        Console().print(faults_table())
        return
    # Dagster takes a second to import, which no other command should wait for.
    from quel_dagster.demo.chaos import crew, matrix, report, site  # noqa: PLC0415

    # What is no terminal has room for the whole table.
    console = Console(stderr=machine, width=None if sys.stdout.isatty() else report.WIDE)
    faults = [fault for fault in FAULTS if not names or fault.name in names]
    pace, results = site.Pace(), list[matrix.Result]()
    with folder(home) as data, site.open_site(data, pace) as here:
        place = replace(here.place, removed=frozenset(map(Guard, removed)))
        with crew.Crew(place) as people:
            for result in matrix.run(here, people, faults, jobs):
                results.append(result)
                console.print(report.in_words(result), highlight=False, soft_wrap=True)
            ends = matrix.look_back(here, people)
    console.print(report.as_table(results, removed, console.width))
    console.print(str(ends), highlight=False)
    if page:
        command = shlex.join(["quel", *sys.argv[1:]])
        page.write_text(report.as_page(results, ends, command, pace), encoding="utf-8")
    if machine:
        click.echo(json.dumps(report.as_json(results, ends)))
    if not report.is_whole(results, ends):
        raise click.exceptions.Exit(1)


def faults_table() -> Table:
    """Every fault by its name, with what it is."""
    table = Table("fault", "what happens", "shows the lack of")
    for fault in FAULTS:
        table.add_row(fault.name, fault.about, fault.shows or "")
    return table


@contextmanager
def folder(given: Path | None) -> Generator[Path]:
    """The given folder, else one that is gone afterwards.

    Raises:
        ConfigurationError: the given one holds something already.
    """
    if given is None:
        with TemporaryDirectory(prefix="quel-chaos-") as name:
            yield Path(name)
        return
    if given.is_dir() and any(given.iterdir()):
        raise ConfigurationError(f"{given} is not empty; name a new folder")
    yield given
