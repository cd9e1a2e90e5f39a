"""What the documents name exists: pages, headings, commands, keys, files, variables, tables."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import click
import pytest
from pydantic import BaseModel

from quel_dagster.cli.main import quel
from quel_dagster.definitions import defs
from quel_dagster.model.alert import AlertKind
from quel_dagster.model.errors import QuelError, RenderError
from quel_dagster.model.settings import Settings, WorkerSettings
from quel_dagster_tests.docs.reference import section_in
from quel_dagster_tests.docs.written import FILE, KEY, PAGES, TABLE, VARIABLE, Page
from quel_dagster_tests.test_house_rules import ROOT

PACKAGE = ROOT / "quel_dagster"
TOPS = (ROOT, PACKAGE, ROOT / "quel_dagster_tests")
"""From where files are named."""
MADE_BY_THE_READER = re.compile(r"\.quel/.*|deploy/\.env|quel_dagster/categories/gardens(/.*)?")
ENDINGS = (".py", ".md", ".sql", ".yaml", ".json")

every_page = pytest.mark.parametrize("page", PAGES, ids=[page.path.name for page in PAGES])


@every_page
def test_a_link_leads_to_a_page_and_to_a_heading_on_it(page: Page) -> None:
    lost: list[str] = []
    for link in page.links:
        name, _, heading = link.partition("#")
        target = page.path.parent / name if name else page.path
        if not target.exists() or (heading and heading not in Page(target).anchors):
            lost.append(link)
    assert lost == []


@every_page
def test_a_command_exists_and_has_the_options_it_is_given(page: Page) -> None:
    assert [" ".join(words) for words in page.commands if not is_command(words)] == []


def is_command(words: list[str]) -> bool:
    """Whether click knows the command, and each option after it."""
    command: click.Command = quel
    rest = list(words)
    while rest and isinstance(command, click.Group) and not rest[0].startswith("-"):
        name = rest.pop(0).rstrip(".,:")
        known = command.get_command(click.Context(command), name)
        if known is None:
            return False
        command = known
    options = {name for each in command.params for name in [*each.opts, *each.secondary_opts]}
    given = {word.partition("=")[0] for word in rest if word.startswith("--")}
    return given <= {*options, "--help", "--version"}


@every_page
def test_a_key_of_the_configuration_exists(page: Page) -> None:
    named = [word for word in page.words if KEY.fullmatch(word) and not word.endswith(ENDINGS)]
    roots = (Settings, WorkerSettings)
    keys = [key for key in named if any(key.split(".")[0] in root.model_fields for root in roots)]
    assert [key for key in keys if not any(has(root, key.split(".")) for root in roots)] == []


def has(section: type[BaseModel], names: list[str]) -> bool:
    """Whether the configuration has such a key, or a table by that name."""
    name, *rest = names
    if name not in section.model_fields:
        return False
    kind = section.model_fields[name].annotation
    if not rest:
        return True
    if whole := section_in(kind):
        return has(whole, rest)
    by_name = next(filter(None, map(section_in, get_args(kind))), None)
    return by_name is not None and (not rest[1:] or has(by_name, rest[1:]))


@every_page
def test_a_file_exists(page: Page) -> None:
    assert [name for name in files_named(page) if not found(name)] == []


def files_named(page: Page) -> Iterator[str]:
    """Paths from the top of the repository, of the package, or of its tests."""
    tops = {each.name for top in TOPS for each in top.iterdir() if each.is_dir()}
    words = [*page.words, *(word for line in page.console for word in line.split())]
    for word in words:
        if not FILE.fullmatch(word) or MADE_BY_THE_READER.fullmatch(word):
            continue
        if word.split("/")[0] in tops:
            yield word


def found(name: str) -> bool:
    """Whether there is such a file, whatever stands for a name in angle brackets."""
    pattern = re.sub(r"<\w+>", "*", name).rstrip("/")
    return any(next(top.glob(pattern), None) is not None for top in TOPS)


@every_page
def test_a_variable_of_the_environment_is_read_or_written_somewhere(page: Page) -> None:
    sources = "\n".join(map(read, [ROOT / "config.yaml", *PACKAGE.rglob("*.py")]))
    assert {name for name in VARIABLE.findall(page.text) if name not in sources} == set()


@every_page
def test_a_table_is_made_by_a_migration(page: Page) -> None:
    made = "\n".join(read(path) for path in (ROOT / "sql" / "migrations").glob("*.sql"))
    named = {name for word in page.words for name in TABLE.findall(word)}
    assert {name for name in named if f"TABLE quel.{name} " not in made} == set()


def test_the_design_names_every_folder_of_the_package() -> None:
    tree = read(ROOT / "docs" / "design.md")
    folders = {each.name for each in PACKAGE.iterdir() if (each / "__init__.py").exists()}
    assert {name for name in folders if f"── {name}/ " not in tree} == set()


def test_trouble_names_every_alert_check_and_error() -> None:
    text = read(ROOT / "docs" / "trouble.md")
    checks = {key.name for key in defs().get_repository_def().asset_graph.asset_check_keys}
    errors = {kind for kind in kinds(QuelError) if kind is not RenderError}
    named = {*AlertKind, *checks, *(error.__name__ for error in errors)}
    assert {name for name in named if f"`{name}`" not in text} == set()


def kinds(error: type[QuelError]) -> Iterator[type[QuelError]]:
    """Every kind of error below one."""
    for below in error.__subclasses__():
        yield below
        yield from kinds(below)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
