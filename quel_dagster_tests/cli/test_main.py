"""How the command line tells what went wrong: one line and a status, never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from quel_dagster.services.database import connect


def test_a_wrong_configuration_changes_no_schema(empty_database: str, tmp_path: Path) -> None:
    wrong = tmp_path / "config.yaml"
    wrong.write_text("credits: {price: 20}\n")
    environ = {**os.environ, "QUEL_DATABASE_URL": empty_database, "QUEL_CONFIG": str(wrong)}
    done = subprocess.run(
        [sys.executable, "-m", "quel_dagster", "migrate"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "credits.price_per_image" in done.stderr
    engine = connect(empty_database)
    assert "quel" not in sa.inspect(engine).get_schema_names()
    engine.dispose()


@pytest.mark.parametrize(
    "command", [["status"], ["explain", "6d0e8f3a-52f2-4f0b-9a33-0f6a2c9b7711"]]
)
def test_a_database_that_was_never_migrated_is_told_with_the_cure(
    empty_database: str, command: list[str]
) -> None:
    environ = {**os.environ, "QUEL_DATABASE_URL": empty_database, "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-m", "quel_dagster", *command],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("error: the database is not what this version expects")
    assert line.endswith("run quel migrate")
