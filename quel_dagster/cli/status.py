"""`quel status`: how deep the work stands on every path, and how every ComfyUI server is."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import click
from rich.console import Console
from rich.table import Table

from quel_dagster.environment import Environment, here
from quel_dagster.intake.routing import NO_PATH, plain
from quel_dagster.model.status import Phase
from quel_dagster.services.comfyui.backends import Health
from quel_dagster.services.depths import MOST

PATH_COLUMNS = (
    "limit",
    "pending",
    "oldest",
    "reserved",
    "running",
    "completed",
    "failed",
    "user_cancelled",
)
BACKEND_COLUMNS = ("state", "running", "waiting", "ours", "model", "seen", "since", "reason")

WIDE = 130
"""Characters of a screen that has room for everything about a server."""
LESS_NEEDED = frozenset({"model", "seen", "since"})

Row = dict[str, int | str | None]


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: `paths` and `backends`.")
def status_command(as_json: bool) -> None:
    """Shows per path what waits, runs, and ended in the last 24 hours; and every ComfyUI server.

    The limit is the one in force, 0 where the path is paused or closed; oldest is the age of what
    has waited longest, in seconds. A server's running and waiting are its prompts, whoever sent
    them; ours are the places that our renders hold there.
    """
    place = here()
    paths, backends = paths_of(place), backends_of(place)
    if as_json:
        click.echo(json.dumps({"paths": paths, "backends": backends}))
        return
    console = Console()
    console.print(as_table("path", PATH_COLUMNS, paths))
    if backends:
        is_wide = console.width >= WIDE
        shown = [name for name in BACKEND_COLUMNS if is_wide or name not in LESS_NEEDED]
        console.print()
        console.print(as_table("back end", shown, backends))


def paths_of(place: Environment) -> dict[str, Row]:
    """Every path that has a limit, or that a job has to do with.

    Raises:
        Unavailable: PostgreSQL cannot be reached.
    """
    store, settings = place.store, place.settings.worker
    paths: dict[str, Row] = {}

    def row(path: str) -> Row:
        empty: Row = dict.fromkeys(PATH_COLUMNS, 0)
        return paths.setdefault(path, empty | {"limit": None, "oldest": None})

    limits = {name: module.max_workers for name, module in settings.modules.items()}
    for path, limit in {**limits, **store.limits.read()}.items():
        row(path)["limit"] = limit if settings.path(path).enabled else 0
    waiting: dict[str, int] = {}
    oldest: dict[str, timedelta] = {}
    for depth in store.depths.waiting():
        path = plain(depth.path) or NO_PATH
        waiting[path] = min(waiting.get(path, 0) + depth.waiting, MOST)
        oldest[path] = max(oldest.get(path, timedelta()), depth.oldest)
    for path, count in waiting.items():
        row(path).update(pending=count, oldest=round(oldest[path].total_seconds()))
    for living in store.depths.living():
        phase = "reserved" if living.phase is Phase.RESERVED else "running"
        row(living.path)[phase] = living.count
    for ended in store.depths.ended():
        row(ended.path).update(
            completed=ended.completed, failed=ended.failed, user_cancelled=ended.user_cancelled
        )
    return dict(sorted(paths.items()))


def backends_of(place: Environment) -> dict[str, Row]:
    """Every configured server by its address, in the operator's order."""
    if not place.settings.comfyui.backends:
        return {}
    return {each.url: _row(each) for each in place.backends.health()}


def as_table(key: str, columns: Sequence[str], rows: Mapping[str, Row]) -> Table:
    """The same for a person, whose screen may have 80 columns: names and numbers stay whole."""
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column(key, no_wrap=True)
    for name in columns:
        words = name.split("_")
        table.add_column(" ".join(words), min_width=max(map(len, words)))
    for name, row in rows.items():
        values = (row[column] for column in columns)
        table.add_row(name, *("" if value is None else str(value) for value in values))
    return table


def _row(health: Health) -> Row:
    known, prompts = health.state, health.prompts
    serving = "down" if prompts is None else "serving"
    return {
        "state": "quarantined" if health.is_quarantined else serving,
        "running": None if prompts is None else min(prompts, 1),
        "waiting": None if prompts is None else max(prompts - 1, 0),
        "ours": health.places,
        "model": known.model if known else None,
        "seen": _moment(known.seen_at) if known else None,
        "since": _moment(known.since) if known and health.is_quarantined else None,
        "reason": known.reason if known else None,
    }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
