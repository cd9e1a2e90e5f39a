"""What becomes of a bench's figures: kept as JSON, held against the targets.

The folder that a bench works in is here too, for it must go whatever ends the bench.
"""

import json
import os
import signal
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich.console import Console

RESULTS = Path(".quel/bench")
LOAD, *_ = os.getloadavg()
PAGE = 120
"""Columns of a table in a file."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A bound that a figure is to keep: `least`, `most`, or both."""

    name: str
    value: float
    least: float = float("-inf")
    most: float = float("inf")

    @property
    def is_met(self) -> bool:
        return self.least <= self.value <= self.most

    def __str__(self) -> str:
        bounds = [("at least", self.least), ("at most", self.most)]
        asked = " and ".join(f"{word} {bound:g}" for word, bound in bounds if abs(bound) < 1e300)
        return f"{'met' if self.is_met else 'MISSED'}: {self.name} {self.value:g}, asked {asked}"


@contextmanager
def folder() -> Generator[Path]:
    """An empty folder that is gone when the block ends, also when SIGTERM ends it."""

    def stop(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        with TemporaryDirectory(prefix="quel-bench-") as name:
            yield Path(name)
    finally:
        signal.signal(signal.SIGTERM, before)


def keep(name: str, figures: Mapping[str, object]) -> None:
    """Writes `.quel/bench/<name>.json`, with how busy the machine was in the minute before."""
    machine = {"processors": os.cpu_count(), "load_before": round(LOAD, 2)}
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps({**figures, "machine": machine}, indent=2))


def console() -> Console:
    """Where tables are shown; as wide as they are where no terminal says how wide."""
    found = Console()
    return found if found.is_terminal else Console(width=PAGE)


def judge(*targets: Target) -> None:
    """Says which targets are met.

    Raises:
        click.exceptions.Exit: one is not; the bench ends with status 1.
    """
    for target in targets:
        console().print(str(target), style=None if target.is_met else "bold red", highlight=False)
    if not all(target.is_met for target in targets):
        raise click.exceptions.Exit(1)
