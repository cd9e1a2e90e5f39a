"""Finding the `sql/` folder and reading statements from it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from quel_dagster.services import statements

PACKAGE = Path(statements.__file__).parents[1]


@pytest.mark.parametrize("folder", ["quel_dagster/sql", "sql"], ids=["installed", "checkout"])
def test_the_sql_is_found_wherever_the_package_lies(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder / "migrations").mkdir(parents=True)
    copy_of_package(tmp_path)
    assert root_seen_from(tmp_path) == f"{tmp_path / folder}\n"


def test_a_package_without_its_sql_says_so(tmp_path: Path) -> None:
    copy_of_package(tmp_path)
    with pytest.raises(subprocess.CalledProcessError) as error:
        root_seen_from(tmp_path)
    assert "install the package again" in error.value.stderr


def copy_of_package(target: Path) -> None:
    shutil.copytree(PACKAGE / "model", target / "quel_dagster" / "model")
    (target / "quel_dagster" / "services").mkdir()
    for file in ("__init__.py", "services/__init__.py", "services/statements.py"):
        shutil.copy(PACKAGE / file, target / "quel_dagster" / file)


def root_seen_from(folder: Path) -> str:
    """The copy is named first: Python may be told not to look into the working directory."""
    code = (
        f"import sys; sys.path.insert(0, {str(folder)!r}); "
        "from quel_dagster.services import statements; print(statements.root())"
    )
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


def test_every_statement_can_be_loaded_and_is_documented() -> None:
    files = sorted((statements.root() / "statements").glob("*.sql"))
    assert files
    for file in files:
        assert file.read_text(encoding="utf-8").startswith("-- "), file.name
        assert str(statements.load(file.stem))


def test_comments_take_no_parameters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "statements").mkdir()
    (tmp_path / "statements" / "spoken.sql").write_text(
        "-- Speaks of :path and :nobody.\n\nSELECT CAST(:path AS text)\n    -- and of :this\n;\n"
    )
    monkeypatch.setattr(statements, "root", lambda: tmp_path)
    statement = statements.load("spoken")
    assert list(statement.compile().params) == ["path"]
