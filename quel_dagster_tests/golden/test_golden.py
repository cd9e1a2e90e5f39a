"""What is made of an order, for every shape in every category, held against files a person reads.

`pytest --regold quel_dagster_tests/golden` writes the files anew; look at what git says about them.
"""

from pathlib import Path

import pytest

from quel_dagster import categories
from quel_dagster.demo.recipes import PICTURES
from quel_dagster.model.retouching import MODIFY
from quel_dagster_tests.golden.gold import Gold

FILES = sorted(Path(__file__).parent.glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_order_becomes_what_its_file_says(path: Path, pytestconfig: pytest.Config) -> None:
    gold = Gold(path)
    if pytestconfig.getoption("--regold"):
        gold.write()
    assert gold.made() == gold.kept


def test_every_shape_in_every_category_has_a_file() -> None:
    paths = [category.path for category in categories.load() if category.path != MODIFY]
    wanted = {f"{path}-{shape}" for path in paths for shape in PICTURES}
    assert {path.stem for path in FILES} >= wanted | {MODIFY}
