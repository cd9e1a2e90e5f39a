"""Finds the `sql/` folder and loads statements from it, each a file with its documentation on top.

What a statement means is known to whoever executes it.
"""

from functools import cache
from pathlib import Path

import sqlalchemy as sa

from quel_dagster.model.errors import ConfigurationError


@cache
def root() -> Path:
    """The `sql/` folder: inside an installed package, at the top of a checkout.

    Raises:
        ConfigurationError: it is in neither place.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "sql", package.parent / "sql"):
        if (folder / "migrations").is_dir():
            return folder
    raise ConfigurationError(
        f"the sql folder is neither in {package} nor beside it; install the package again"
    )


@cache
def load(name: str, folder: str = "statements") -> sa.TextClause:
    """The statement in `sql/<folder>/<name>.sql`, parameters as `:name` or `CAST(:name AS type)`.

    Lines that are comments do not reach the server: a comment that speaks of `:name` would
    otherwise have the value put into it, and a value with a line break would leave the comment.

    Raises:
        FileNotFoundError: there is no such statement.
    """
    text = (root() / folder / f"{name}.sql").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("--"))
    return sa.text("\n".join(lines).strip())
