"""The counts of a kill matrix as a table on a screen, as a page of the documentation, as JSON.

What is counted, and what may not be, is decided in `counting`.
"""

from collections import Counter
from collections.abc import Sequence

from rich import box
from rich.markup import escape
from rich.table import Table

from quel_dagster.demo.chaos.counting import Wrong
from quel_dagster.demo.chaos.faults import FAULTS
from quel_dagster.demo.chaos.guards import WITHOUT
from quel_dagster.demo.chaos.matrix import Afterwards, Result
from quel_dagster.demo.chaos.site import LIMITS, Pace

FINDINGS_SHOWN = 20
"""Of each fault on a screen; JSON has all of them."""

COLUMNS = {
    "fault": "left",
    "jobs": "right",
    "struck": "right",
    "pictures": "right",
    "lost": "right",
    "doubled pictures": "right",
    "doubled charges": "right",
    "negative balances": "right",
    "over the limit": "right",
    "late changes": "right",
    "taken over": "right",
    "renders wasted": "right",
    "longest delay": "right",
}

IN_SHORT = frozenset(
    {
        "fault",
        "jobs",
        "lost",
        "doubled pictures",
        "doubled charges",
        "renders wasted",
        "longest delay",
    }
)
"""The columns for a screen that has not `WIDE` characters for all of them."""
WIDE = 130

PAGE = """\
# The kill matrix

Made by `{command}`.

It starts PostgreSQL, Redis, an S3 endpoint and two ComfyUI stand-ins of its own, runs every
category's real graph through Dagster in processes that are really killed, and breaks one thing
after the other. {settings}

All is counted afterwards, from the rows of the database, the keys in the bucket and the logs of
the stand-ins. Every column between *pictures* and *renders wasted* must be 0, and so must
*renders wasted* where no ComfyUI dies and nobody cancels.

{table}

{total}

- **jobs**, **struck**: jobs placed; processes that were killed, frozen or cut off at the point.
- **lost**: jobs that are not final, ended otherwise than the fault allows, or lack a picture.
- **doubled pictures**: attach rows and files beyond one for a slot, pictures shown twice.
- **doubled charges**: ledger rows beyond one for a delivered slot, slots without one, and balances
  that are not the opening balance plus the ledger.
- **over the limit**: reservations that let more attempts live than the path has room for.
- **late changes**: changes of jobs that were final.
- **taken over** (only where no process dies): jobs taken from an attempt that was alive.
- **renders wasted**: prompts that the stand-ins executed beyond one for a picture.
- **longest delay**: from placing a job to its end.

## The faults

{faults}

## Without a guard

`--remove` takes a guard out, which must turn the matrix red (exit status 1), or it would prove
nothing:

{guards}
"""


def is_whole(results: Sequence[Result], ends: Afterwards) -> bool:
    """Whether nothing at all is wrong."""
    return ends.is_whole and not any(result.findings for result in results)


def in_words(result: Result) -> str:
    """One line for a fault that is over, and one for each of the first things that are wrong."""
    verdict = f"[red]{len(result.findings)} wrong[/]" if result.findings else "[green]whole[/]"
    lines = [f"{verdict} {result.fault.name} ({result.seconds:.0f} s): {result.fault.about}"]
    for finding in result.findings[:FINDINGS_SHOWN]:
        job = f"job {finding.job_id}: " if finding.job_id else ""
        lines.append(f"  [red]{finding.wrong}[/] {job}{escape(finding.what)}")
    return "\n".join(lines)


def as_table(results: Sequence[Result], removed: Sequence[str], width: int) -> Table:
    """The table on a screen of so many characters; rows with something wrong are red."""
    title = " ".join(["without", *removed]) if removed else None
    shown = [place for place, name in enumerate(COLUMNS) if width >= WIDE or name in IN_SHORT]
    headings = list(COLUMNS)
    table = Table(title=title, title_justify="left", box=box.SIMPLE, padding=(0, 1, 0, 0))
    for place in shown:
        heading = headings[place]
        longest = max(map(len, heading.split()))
        is_name = COLUMNS[heading] == "left"
        table.add_column(
            heading,
            justify="left" if is_name else "right",
            no_wrap=is_name,
            min_width=longest,
        )
    for result in results:
        row = cells(result)
        table.add_row(*(row[place] for place in shown), style="red" if result.findings else None)
    return table


def cells(result: Result) -> list[str]:
    """One row of the table."""
    found = Counter(finding.wrong for finding in result.findings)
    totals = result.totals
    return [
        result.fault.name,
        str(totals.jobs),
        str(totals.strikes) if result.fault.points else "",
        str(totals.pictures),
        str(found[Wrong.LOST]),
        str(found[Wrong.DOUBLED_PICTURES]),
        str(found[Wrong.DOUBLED_CHARGES]),
        str(found[Wrong.NEGATIVE_BALANCES]),
        str(found[Wrong.OVER_LIMIT]),
        str(found[Wrong.LATE_CHANGES]),
        "" if Wrong.TAKEN_OVER in result.fault.may_be else str(found[Wrong.TAKEN_OVER]),
        str(result.wasted),
        f"{totals.longest:.1f} s",
    ]


def as_page(results: Sequence[Result], ends: Afterwards, command: str, pace: Pace) -> str:
    """The page for the documentation, in Markdown."""
    limits = ", ".join(f"{path} {limit}" for path, limit in LIMITS.items())
    lines = [
        "| " + " | ".join(COLUMNS) + " |",
        "|" + "|".join("---" if side == "left" else "---:" for side in COLUMNS.values()) + "|",
        *("| " + " | ".join(cells(result)) + " |" for result in results),
    ]
    jobs = sum(result.totals.jobs for result in results)
    pictures = sum(result.totals.pictures for result in results)
    wrong = sum(len(result.findings) for result in results)
    return PAGE.format(
        command=command,
        settings=f"A lease is {pace.lease:g} s, a render {pace.render:g} s, a job has "
        f"{pace.attempts} attempts; limits: {limits}.",
        table="\n".join(lines),
        total=f"{jobs} jobs, {pictures} pictures, {wrong} things wrong, "
        f"{sum(result.seconds for result in results):.0f} seconds; afterwards, {ends}.",
        faults="\n".join(f"- `{r.fault.name}`: {r.fault.about}" for r in results),
        guards="\n".join(
            f"- `--remove {fault.shows}`: {WITHOUT[fault.shows]}. `--fault {fault.name}` shows it."
            for fault in FAULTS
            if fault.shows
        ),
    )


def as_json(results: Sequence[Result], ends: Afterwards) -> dict[str, object]:
    """One object: whether nothing is wrong, and every fault with its numbers and findings."""
    return {
        "ok": is_whole(results, ends),
        "unfinished_runs": ends.unfinished_runs,
        "reconcile_errors": ends.books.errors,
        "faults": [
            {
                **dict(zip(COLUMNS, cells(result), strict=True)),
                "seconds": round(result.seconds, 1),
                "findings": [
                    {"wrong": f.wrong.value, "job_id": str(f.job_id or ""), "what": f.what}
                    for f in result.findings
                ],
            }
            for result in results
        ],
    }
