"""The categories. A folder with a `category.py` is one; deleting the folder removes it.

Beside its `category.py`, which gives a `CATEGORY`, a folder holds its `workflow.json`.
"""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Dagster takes a second to import, which who only wants the names need not wait
    from quel_dagster.pipeline.category import Category


def paths() -> list[str]:
    """The name of every folder, which is its path, in order."""
    return sorted(file.parent.name for file in Path(__file__).parent.glob("*/category.py"))


def load() -> "list[Category]":
    """Every folder's `CATEGORY`, in name order."""
    return [importlib.import_module(f"{__name__}.{name}.category").CATEGORY for name in paths()]
