"""The rules of the house that no linter knows: sizes, docstrings, who reads the environment."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("quel_dagster", "quel_dagster_tests", "bench")
MODULES = sorted(path for folder in FOLDERS for path in ROOT.glob(f"{folder}/**/*.py"))
LONGEST_FILE = 250
LONGEST_FUNCTION = 40


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_module_is_short_and_says_what_lives_in_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert text.count("\n") <= LONGEST_FILE
    assert not text or ast.get_docstring(tree)
    long = {
        node.name: (node.end_lineno or node.lineno) - node.lineno + 1
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: lines for name, lines in long.items() if lines > LONGEST_FUNCTION} == {}


def test_private_parts_of_dagster_are_imported_in_two_places() -> None:
    offenders = [named(path) for path in MODULES if "dagster._" in path.read_text(encoding="utf-8")]
    doors = ["quel_dagster/dispatch/starting.py", "quel_dagster/launch/inside.py"]
    assert sorted(offenders) == [*doors, named(Path(__file__))]


CATEGORIES = sorted(ROOT.glob("quel_dagster/categories/*/category.py"))


@pytest.mark.parametrize("path", CATEGORIES, ids=named)
def test_a_category_knows_the_pipeline_and_the_model_and_no_other_category(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    plain = [
        name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    ]
    ours = [name for name in [*imported, *plain] if name.split(".")[0] == "quel_dagster"]
    assert ours
    known = ("quel_dagster.model.", "quel_dagster.pipeline.")
    assert [name for name in ours if not name.startswith(known)] == []


def test_only_the_environment_reads_the_process_environment() -> None:
    readers = [
        named(path)
        for path in MODULES
        if path.is_relative_to(ROOT / "quel_dagster")
        and ("os.environ" in (text := path.read_text(encoding="utf-8")) or "getenv" in text)
    ]
    # The others give the processes they start, or are, an environment.
    assert set(readers) <= {
        "quel_dagster/environment.py",
        "quel_dagster/demo/child.py",
        "quel_dagster/demo/chaos/processes.py",
    }


LOAD = """
import dagster as dg
from quel_dagster.definitions import defs
loaded = defs()
dg.Definitions.validate_loadable(loaded)
print(*sorted(job.name for job in loaded.jobs), "|", *(sensor.name for sensor in loaded.sensors))
"""


def load(folder: Path) -> str:
    """What the definitions in a checkout contain, in a fresh interpreter and no environment."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD], cwd=folder, env={}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_definitions_load_in_a_fresh_interpreter_and_an_empty_environment() -> None:
    jobs, sensors = load(ROOT).split(" | ")
    assert jobs.split() == [
        "backfill_production_path",
        "beauty",
        "cartoon",
        "cinema",
        "close_stale_jobs",
        "eats",
        "ensure_indexes",
        "fashion",
        "forget_old_runs",
        "hourly_statistics",
        "modify",
        "reconcile_credits",
        "refresh_overview",
        "sweep_once",
        "watch",
    ]
    assert sensors.split() == ["job_queue", "sweep", "send_again", "quarantine", "alerts"]
