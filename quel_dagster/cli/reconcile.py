"""`quel reconcile`: whether balances, the ledger and delivered pictures agree."""

import json
from datetime import timedelta

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from quel_dagster.environment import here
from quel_dagster.model.section import duration
from quel_dagster.services.reconcile import Finding, Reconciliation, reconcile


def span(_context: click.Context, _option: click.Parameter, value: str) -> timedelta | None:
    """`24h` or `7d` as a span of time; None for `all`."""
    if value == "all":
        return None
    try:
        return duration(value)
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(f"{error}, or all") from error


@click.command("reconcile")
@click.option(
    "--since",
    "within",
    default="24h",
    show_default=True,
    callback=span,
    help="How far back, such as 24h or 7d; `all` reads the whole ledger.",
)
@click.option("--accept", is_flag=True, help="Take credits without a ledger row as given from now.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: the counts and findings.")
def reconcile_command(within: timedelta | None, accept: bool, as_json: bool) -> None:
    """Shows what does not add up between balances, the ledger and pictures.

    Beside live traffic too. Exit status 1 when money or a picture is wrong; credits that came
    without a ledger row are a warning.
    """
    done = reconcile(here().engine, within=within, accept=accept)
    if as_json:
        click.echo(json.dumps(as_object(done)))
    else:
        show(done, Console())
    if done.errors:
        raise click.exceptions.Exit(1)


def show(done: Reconciliation, console: Console) -> None:
    """Prints a table of the findings and one line of counts."""
    if done.findings:
        table = Table("finding", Column("who and what", overflow="fold"), show_lines=True)
        for finding in done.findings:
            name = finding.kind.replace("_", " ")
            style = "red" if finding.is_error else "yellow"
            table.add_row(f"[{style}]{name}[/]", in_words(finding))
        console.print(table, highlight=False)
    warnings = len(done.findings) - done.errors
    console.print(
        f"payers: {done.payers}, pictures: {done.pictures}, "
        f"errors: {done.errors}, warnings: {warnings}",
        highlight=False,
    )


def in_words(finding: Finding) -> Text:
    """A finding in lines, its ids whole: they are copied into the next question."""
    return Text(
        f"{finding.subject}\n"
        f"expected: {finding.expected}\n"
        f"found: {finding.found}\n"
        f"look at: {finding.look_at}"
    )


def as_object(done: Reconciliation) -> dict[str, object]:
    """The object that `--json` prints."""
    return {
        "payers": done.payers,
        "pictures": done.pictures,
        "errors": done.errors,
        "warnings": len(done.findings) - done.errors,
        "findings": [one_finding(finding) for finding in done.findings],
    }


def one_finding(finding: Finding) -> dict[str, str]:
    """A finding in JSON."""
    return {
        "severity": "error" if finding.is_error else "warning",
        "kind": finding.kind,
        "subject": finding.subject,
        "expected": finding.expected,
        "found": finding.found,
        "look_at": finding.look_at,
    }
