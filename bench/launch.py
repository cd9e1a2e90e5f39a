"""Jobs a minute and seconds from order to first op: ours, stock Dagster, and one warm process.

Ours is measured a second time as `by_sensor`, without `quel dispatch`, and the process as `plain`,
without Dagster: that is what a worker of a plain queue would do. Prints a table, writes
.quel/bench/launch.json, and ends with 1 where a target is missed. Times are the database's. A
figure from a shared machine says something only beside the others of the same run.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import click
from plain import plain
from results import Target, console, folder, judge, keep
from rich.table import Table
from serving import counted, serve, to_the_end, using
from subjects import Subject, floor, ours, stock

LEAST_TO_STOCK = 10
LEAST_TO_FLOOR = 0.6
MOST_WAIT = {
    ("ours", "steady"): 0.8,
    ("ours", "sparse"): 0.8,
    ("by_sensor", "steady"): 4.0,
    ("by_sensor", "sparse"): 1.5,
}
"""Seconds from order to first op that half of the orders may take."""

Figures = Mapping[str, object]
SUBJECTS: dict[str, Callable[[Path], AbstractContextManager[Subject]]] = {
    "ours": ours,
    "by_sensor": partial(ours, dispatch=False),
    "stock": stock,
    "floor": floor,
    "plain": plain,
}
ONE_PROCESS = frozenset({"floor", "plain"})
ALL_AT_ONCE = frozenset({"ours", *ONE_PROCESS})
"""Those whose speed is a figure of ours."""


@click.command()
@click.option("--burst", default=100, show_default=True, help="Orders placed at once.")
@click.option(
    "--stock-burst",
    default=30,
    show_default=True,
    help="The same, where speed is no figure of ours.",
)
@click.option("--steady", default=40, show_default=True, help="Orders placed one a second.")
@click.option("--sparse", default=8, show_default=True, help="Orders placed one every 10 s.")
@click.option("--only", type=click.Choice(list(SUBJECTS)), multiple=True, help="Measure these.")
def main(burst: int, stock_burst: int, steady: int, sparse: int, only: tuple[str, ...]) -> None:
    """Measures one subject after the other, in the same way."""
    results: dict[str, Figures] = {}
    for name in only or SUBJECTS:
        with folder() as home:
            os.environ.pop("QUEL_CONFIG", None)
            with SUBJECTS[name](home / "home") as subject:
                number = burst if name in ALL_AT_ONCE else stock_burst
                results[name] = measure(name, subject, number, steady, sparse)
        keep("launch", {**results, "ratios": ratios(results)})
    show(results)
    judge(*targets(results))


def measure(name: str, subject: Subject, burst: int, steady: int, sparse: int) -> Figures:
    """A warm-up, a burst, and orders one by one, which is no question to a single process."""
    to_the_end(subject, 4, 0)
    figures: dict[str, dict[str, float]] = {}
    used = using(subject, lambda: figures.update(burst=to_the_end(subject, burst, 0)))
    last = "burst"
    if name not in ONE_PROCESS:
        figures["steady"] = serve(subject, steady, 1)
        figures["sparse"] = serve(subject, sparse, 10)
        last = "steady"
    return {
        "jobs_per_minute": figures["burst"]["jobs_per_minute"],
        "first_op_p50": figures[last]["first_op_p50"],
        "first_op_p95": figures[last]["first_op_p95"],
        "cpu_seconds_per_job": counted(used.each(burst)),
        "cpu_per_job": used.each(burst),
        **figures,
    }


def ratios(results: Mapping[str, Figures]) -> dict[str, float]:
    """Ours beside the others, as far as they were measured."""
    speed = {name: float(str(found["jobs_per_minute"])) for name, found in results.items()}
    return {
        f"ours_to_{name}": round(speed["ours"] / speed[name], 2)
        for name in ("stock", "floor", "plain")
        if {"ours", name} <= speed.keys()
    }


def targets(results: Mapping[str, Figures]) -> Iterator[Target]:
    """What the figures are judged by, as far as they were measured."""
    least = {"ours_to_stock": LEAST_TO_STOCK, "ours_to_floor": LEAST_TO_FLOOR}
    found = ratios(results)
    for name in (name for name in least if name in found):
        words = name.replace("_", " ")
        yield Target(name=f"jobs a minute, {words}", value=found[name], least=least[name])
    for (name, series), most in MOST_WAIT.items():
        if name in results:
            found = results[name][series]
            assert isinstance(found, dict)
            yield Target(
                name=f"order to first op, {name}, {series}, p50",
                value=found["first_op_p50"],
                most=most,
            )


def show(results: Mapping[str, Figures]) -> None:
    """Prints the table; the times are p50 and p95 from order to first op."""
    columns = ("jobs/minute", "CPU s/job", "burst", "one a second", "one in 10 s")
    table = Table("", *columns, title=f"{os.cpu_count()} processors")
    for name, found in results.items():
        numbers = (f"{found['jobs_per_minute']:.0f}", f"{found['cpu_seconds_per_job']:.2f}")
        waits = (wait_of(found.get(series)) for series in ("burst", "steady", "sparse"))
        table.add_row(name.replace("_", " "), *numbers, *waits)
    console().print(table)
    for name, ratio in ratios(results).items():
        console().print(f"jobs a minute, {name.replace('_', ' ')}: {ratio}")


def wait_of(series: object) -> str:
    """From order to first op, half of the orders and nearly all of them, in seconds."""
    match series:
        case {"first_op_p50": p50, "first_op_p95": p95}:
            return f"{p50} / {p95}"
        case _:
            return ""


if __name__ == "__main__":
    main()
