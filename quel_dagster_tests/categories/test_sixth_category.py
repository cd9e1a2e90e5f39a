"""The README's recipe for a category, followed to the letter in a copy of the checkout."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from textwrap import dedent

import pytest
import sqlalchemy as sa
from PIL import Image

from quel_dagster.services.tables import attach, slot
from quel_dagster_tests.builders import make_member
from quel_dagster_tests.house import House
from quel_dagster_tests.test_house_rules import ROOT

SECTION = re.compile(r"^## Add a category\n(.*?)^## ", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(
    r"^(?P<margin> *)```(?P<kind>\w+)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL
)
NAMED = re.compile(r"`(quel_dagster/[\w/]+\.py)`")
LINES = 150
"""Of both files together."""

QUEL = f"""#!{sys.executable}
from quel_dagster.cli.main import main
main()
"""
SERVE = """
import os
import dagster as dg
from quel_dagster.environment import Environment
from quel_dagster_tests.house import House
with dg.DagsterInstance.ephemeral() as instance:
    for run in House(Environment(os.environ), instance).serve():
        print(run.job_name, run.status.value)
"""


@dataclass(frozen=True)
class Step:
    """A block of the recipe: commands, or the text of the file that was named before it."""

    text: str
    file: str = ""


def steps() -> Iterator[Step]:
    section = SECTION.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert section
    recipe = section[1]
    for block in BLOCK.finditer(recipe):
        text = dedent(block["text"])
        if block["kind"] == "console":
            yield Step(text)
        else:
            yield Step(text, file=NAMED.findall(recipe[: block.start()])[-1])


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What a checkout with its virtual environment has, as far as the recipe uses it."""
    for name in ("quel_dagster", "sql", "config.yaml", "dagster.yaml"):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / name)
    (tmp_path / "quel_dagster_tests").mkdir()
    shutil.copy(ROOT / "quel_dagster_tests" / "house.py", tmp_path / "quel_dagster_tests")
    command = tmp_path / ".venv" / "bin" / "quel"
    command.parent.mkdir(parents=True)
    command.write_text(QUEL)
    command.chmod(0o755)
    return tmp_path


def run(checkout: Path, variables: dict[str, str], command: list[str] | str) -> str:
    """What a command says in the copy; it must succeed."""
    environ = {**variables, "PATH": os.environ["PATH"], "PYTHONPATH": str(checkout)}
    done = subprocess.run(
        command,
        cwd=checkout,
        env=environ,
        shell=isinstance(command, str),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_recipe_makes_a_category_that_serves_an_order(
    house: House, variables: dict[str, str], checkout: Path
) -> None:
    engine = house.environment.engine
    variables["QUEL_MEMBER_ID"] = str(make_member(engine))
    names: dict[str, str] = {}
    said: list[str] = []
    for step in steps():
        if step.file:
            (checkout / step.file).write_text(step.text, encoding="utf-8")
            continue
        for line in step.text.splitlines():
            for name, value in names.items():
                line = line.replace(name, value)  # noqa: PLW2901 - as a reader fills in a name
            said.append(run(checkout, variables, line))
            if " order " in line:
                names["JOB_ID"] = said[-1].strip()
    check, order, explained = said[-3:]
    assert check.endswith("1 graph checked: no problems\n")
    assert f"job {order.strip()}" in explained
    assert "gardens, because the order names it" in explained
    assert "from a window above, looking down" in explained

    served = run(checkout, variables, [sys.executable, "-c", SERVE])
    assert served.splitlines()[-1] == "gardens SUCCESS"
    with engine.connect() as connection:
        made = connection.execute(sa.select(slot)).one()
        stored = connection.execute(sa.select(attach)).one()
    assert (str(made.job_id), made.state) == (names["JOB_ID"], "delivered")
    data = house.environment.storage.fetch(stored.attach_file_path)
    assert data is not None
    with Image.open(BytesIO(data)) as picture:
        assert (picture.format, picture.size) == ("WEBP", (1024, 1024))


def test_the_recipes_category_is_two_short_files(variables: dict[str, str], checkout: Path) -> None:
    first, second, *_ = steps()
    for line in first.text.splitlines():
        run(checkout, variables, line)
    (checkout / second.file).write_text(second.text, encoding="utf-8")
    files = [p for p in (checkout / "quel_dagster/categories/gardens").iterdir() if p.is_file()]
    assert sorted(file.name for file in files) == ["category.py", "workflow.json"]
    assert sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files) < LINES
