"""How the command line tells what went wrong: one line and a status, never a traceback."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from quel_dagster.services.database import connect


def quel(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The command with these variables of ours, and no others."""
    ours = re.compile("QUEL_|DAGSTER_|COMFYUI_|S3_|AWS_")
    others = {name: value for name, value in os.environ.items() if not ours.match(name)}
    return subprocess.run(
        [sys.executable, "-m", "quel_dagster", *arguments],
        env={**others, "COLUMNS": "300", **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def told(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that a command which failed has said."""
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.strip().splitlines()
    return line


@pytest.mark.parametrize("command", ["worker", "dispatch", "daemon"])
def test_what_needs_dagsters_folder_says_what_is_wrong_with_it(
    tmp_path: Path, command: str
) -> None:
    workspace = tmp_path / "workspace.yaml"
    workspace.write_text("load_from: []\n")
    options = [] if command == "worker" else ["-w", str(workspace)]
    assert told(quel(command, *options)).startswith("error: DAGSTER_HOME is not set; `quel up`")
    for wrong in (str(tmp_path), "."):
        line = told(quel(command, *options, DAGSTER_HOME=wrong))
        assert line.startswith(f"error: DAGSTER_HOME is {wrong}, which is no folder with a dagster")


def test_a_wrong_configuration_is_told_before_any_service_is_started(tmp_path: Path) -> None:
    wrong = tmp_path / "config.yaml"
    wrong.write_text("worker: {grace: 3s}\ncredits: {price_per_image: 20}\n")
    home = tmp_path / "home"
    line = told(quel("up", "--home", str(home), QUEL_CONFIG=str(wrong)))
    assert line.endswith(
        "config.yaml: worker.grace: unknown key; remove it or correct its spelling"
    )
    assert not home.exists()


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    home = tmp_path / "file" / "home"
    assert told(quel("up", "--home", str(home))) == (
        f"error: {home}: Not a directory; use another folder"
    )


def test_a_wrong_configuration_changes_no_schema(empty_database: str, tmp_path: Path) -> None:
    wrong = tmp_path / "config.yaml"
    wrong.write_text("credits: {price: 20}\n")
    done = quel("migrate", QUEL_DATABASE_URL=empty_database, QUEL_CONFIG=str(wrong))
    assert "credits.price_per_image" in done.stderr
    assert done.returncode == 1
    engine = connect(empty_database)
    assert "quel" not in sa.inspect(engine).get_schema_names()
    engine.dispose()


@pytest.mark.parametrize(
    "command", [["status"], ["explain", "6d0e8f3a-52f2-4f0b-9a33-0f6a2c9b7711"]]
)
def test_a_database_that_was_never_migrated_is_told_with_the_cure(
    empty_database: str, command: list[str]
) -> None:
    line = told(quel(*command, QUEL_DATABASE_URL=empty_database))
    assert line.startswith("error: the database is not what this version expects")
    assert line.endswith("run quel migrate")
