"""`quel workflows check`: whether the ComfyUI graphs can be used, before an order finds out."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from quel_dagster import categories
from quel_dagster.environment import here
from quel_dagster.model.settings import Settings
from quel_dagster.pipeline.checking import Checked, check, count_problems
from quel_dagster.services.comfyui.classes import NodeClass
from quel_dagster.services.comfyui.server import ComfyServer


@click.group("workflows")
def workflows_command() -> None:
    """The ComfyUI graphs of the production paths."""


@workflows_command.command("check")
@click.argument("names", metavar="[PATH]...", nargs=-1)
@click.option(
    "--server",
    "servers",
    metavar="URL",
    multiple=True,
    help="Ask this ComfyUI server, too, whether it has the classes, inputs and model files.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object: the files and problems.")
def check_command(names: tuple[str, ...], servers: tuple[str, ...], as_json: bool) -> None:
    """Tells everything that is wrong with the graphs of all production paths, or of some.

    PATH is a production path, or the file of a graph that is not in use yet. Without it all
    shipped graphs are checked and all that `config.yaml` names. Exit status 1 when anything is
    wrong.
    """
    settings = here().settings
    classes = {url: classes_of(url) for url in servers}
    files = in_use(settings)
    chosen = {file: files.get(file, ()) for name in names for file in named(name, files)}
    found = [check(file, settings.comfyui.models, classes) for file in chosen or files]
    if as_json:
        click.echo(json.dumps(as_object(found, files)))
    else:
        show(found, files, servers)
    if count_problems(found):
        raise click.exceptions.Exit(1)


def classes_of(url: str) -> dict[str, NodeClass]:
    """What a server has."""
    server = ComfyServer(url)
    try:
        return server.classes()
    finally:
        server.close()


def in_use(settings: Settings) -> dict[Path, tuple[str, ...]]:
    """Every graph that ships with a category or that the configuration names, and its paths."""
    shipped = [(category.workflow, category.path) for category in categories.load()]
    own = [(module.workflow, path) for path, module in settings.worker.modules.items()]
    files: dict[Path, tuple[str, ...]] = {}
    for file, path in [*shipped, *own]:
        if file is not None:
            files[file] = (*files.get(file, ()), path)
    return files


def named(name: str, files: Mapping[Path, tuple[str, ...]]) -> Sequence[Path]:
    """The graphs of a production path, else the file of that name."""
    return [file for file, paths in files.items() if name in paths] or [Path(name)]


def show(
    found: Sequence[Checked], files: Mapping[Path, tuple[str, ...]], servers: Sequence[str]
) -> None:
    """Prints each file with what is wrong, and a line that sums up."""
    console = Console(highlight=False, soft_wrap=True)
    for checked in found:
        paths = ", ".join(files.get(checked.file, ())) or "not in use"
        console.print(f"[bold]{escape(paths)}[/]  {escape(str(near(checked.file)))}")
        if checked.abilities:
            console.print(f"  {checked.abilities}")
        for problem in checked.problems:
            console.print(f"  [red]wrong:[/] {escape(problem)}")
    where = f" for {' and '.join(servers)}" if servers else ""
    graphs, problems = numbered(len(found), "graph"), numbered(count_problems(found), "problem")
    console.print(f"{graphs} checked{where}: {problems}")


def numbered(number: int, noun: str) -> str:
    """`no problems`, `1 graph`, `6 graphs`."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def near(file: Path) -> Path:
    """A file by the shortest way from here."""
    here_now = Path.cwd()
    return file.relative_to(here_now) if file.is_relative_to(here_now) else file


def as_object(found: Sequence[Checked], files: Mapping[Path, tuple[str, ...]]) -> dict[str, object]:
    """The object that `--json` prints."""
    return {
        "problems": count_problems(found),
        "workflows": [
            {
                "file": str(checked.file),
                "paths": list(files.get(checked.file, ())),
                "nodes": checked.abilities.nodes if checked.abilities else None,
                "references": list(checked.abilities.references) if checked.abilities else None,
                "mask": checked.abilities.mask if checked.abilities else None,
                "problems": list(checked.problems),
            }
            for checked in found
        ],
    }
