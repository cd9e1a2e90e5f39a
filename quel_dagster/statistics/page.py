"""The page that `path_overview` shows: how the paths stand, and what they did, as Markdown.

Pure: figures in, text out. The plots come as PNG files and go into the page itself.
"""

import base64
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from quel_dagster.pipeline.tags import runs_page
from quel_dagster.services.path_hours import PathHour
from quel_dagster.statistics.present import Standing

WORDS = frozenset(
    {"path", "why failed", "kinds", "job", "why", "finding", "where", "expected", "found"}
)
"""Columns of words."""
MARKUP = re.compile(r"([\\`*_\[\]<>|])")
"""Signs that mean something in Markdown, or in a table of it."""
NOTHING = "·"
"""For a zero: what is there shall catch the eye."""


def page(now: datetime, standings: Sequence[Standing], periods: Sequence[str]) -> str:
    """The whole page.

    Args:
        now: the moment of which it speaks.
        standings: of every path.
        periods: the sections that follow, as `period` writes them.
    """
    parts = [f"## Now, {now:%Y-%m-%d %H:%M} UTC", headline(standings), now_table(standings)]
    return "\n\n".join([*parts, *periods])


def headline(standings: Sequence[Standing]) -> str:
    """One line that tells whether anything needs a look."""
    waiting = sum(each.waiting for each in standings)
    running = sum(each.running for each in standings)
    growing = [each.path for each in standings if each.drains_in is None]
    calm = f"{waiting:,} jobs wait, {running:,} are let in or run."
    return f"{calm} **The backlog of {', '.join(growing)} grows.**" if growing else calm


def busy(standing: Standing) -> str:
    """How many of a path's jobs run, and how many may."""
    match standing.limit:
        case None:
            return number(standing.running)
        case 0:
            return f"{standing.running}, paused"
        case limit:
            return f"{standing.running} of {limit}"


def now_table(standings: Sequence[Standing]) -> str:
    """How each path stands; its name leads to its runs that are under way."""
    rows = [
        (
            path_cell(each.path),
            number(each.waiting),
            span(each.oldest) if each.waiting else NOTHING,
            busy(each),
            number(each.arrived),
            number(each.ended),
            drains(each),
        )
        for each in standings
    ]
    names = ("path", "waiting", "oldest", "running", "in, last hour", "out", "drains in")
    return table(names, rows)


def period(title: str, hours: Mapping[str, Sequence[PathHour]], plots: Mapping[str, bytes]) -> str:
    """A section: a table of sums for each path, and the plots by their captions."""
    rows = [sums(path, of_path) for path, of_path in hours.items()]
    names = (
        *("path", "arrived", "completed", "in part", "failed", "cancelled", "fallbacks"),
        *("pictures", "missing", "credits", "worst p95 wait", "worst p95 run", "why failed"),
    )
    pictures = [f"**{caption}**\n\n![{caption}]({data_url(png)})" for caption, png in plots.items()]
    return "\n\n".join([f"## {title}", table(names, rows), *pictures])


def sums(path: str, hours: Sequence[PathHour]) -> tuple[str, ...]:
    """A path's row. Percentiles of hours have no sum: shown is that of the worst hour."""
    counts = ("arrived", "completed", "partly_completed", "failed", "cancelled", "fallbacks")
    goods = ("pictures", "failed_pictures", "credits")
    shown = {name: number(sum(getattr(each, name) for each in hours)) for name in counts + goods}
    if any(each.failed for each in hours):
        shown["failed"] = f"[{shown['failed']}]({runs_page(path, failed=True)})"
    waits = [each.wait_p95 for each in hours if each.wait_p95 is not None]
    runs = [each.run_p95 for each in hours if each.run_p95 is not None]
    kinds: Counter[str] = Counter()
    for each in hours:
        kinds.update(each.failed_by_kind)
    why = ", ".join(f"{kind} {n}" for kind, n in kinds.most_common(3))
    worst = [span(timedelta(seconds=max(each))) if each else NOTHING for each in (waits, runs)]
    return (path_cell(path), *shown.values(), *worst, why or NOTHING)


def path_cell(path: str) -> str:
    """A path's name, as a link to its runs; a row may name one with any sign in it."""
    name = MARKUP.sub(r"\\\1", path)
    return f"[{name}]({runs_page(path)})"


def number(value: int) -> str:
    """With separators; nothing for zero."""
    return f"{value:,}" if value else NOTHING


def span(length: timedelta) -> str:
    """Two units at most: `45 s`, `12 min`, `3 h 20 min`, `2 d 5 h`."""
    minutes, seconds = divmod(round(length.total_seconds()), 60)
    if not minutes:
        return f"{seconds} s"
    units = {"d": minutes // 1440, "h": minutes // 60 % 24, "min": minutes % 60}
    if units["d"]:
        del units["min"]
    return " ".join(f"{n} {unit}" for unit, n in units.items() if n)


def drains(standing: Standing) -> str:
    """Until nothing waits, in words."""
    left = standing.drains_in
    if left is None:
        return "**grows**"
    return span(left) if left else NOTHING


def table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, figures to the right and words to the left."""
    rule = [":--" if name in WORDS else "--:" for name in names]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (names, rule, *rows))


def data_url(png: bytes) -> str:
    """A picture inside the page: the UI needs no other server for it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
