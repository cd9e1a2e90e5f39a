"""The categories. A folder here is a category; deleting the folder removes it."""

import importlib
import pkgutil

from quel_dagster.pipeline.category import Category


def load() -> list[Category]:
    """Every folder's `CATEGORY`, in name order."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)
    return [importlib.import_module(f"{__name__}.{name}.category").CATEGORY for name in names]
