"""CPU and memory of every process: for each job, and while nothing happens.

Orders come in a burst, and then one a second. What a part uses for a job includes what it uses
anyway; beside it stands what is left of that once the same time of idling is taken off. What the
renders and the stand-in for S3 use is shown and does not count. Prints tables, writes
.quel/bench/cost.json, and ends with 1 where the target is missed.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import click
from memory import Megabytes, Pool, of_part
from results import Target, console, folder, judge, keep
from rich.table import Table
from serving import RENDERS, Used, counted, to_the_end, using
from subjects import ours

MOST_PER_JOB = 0.35
WORKER = "worker"


@dataclass(frozen=True, kw_only=True)
class Series:
    """What a series of orders used.

    Attributes:
        jobs: how many there were.
        used: by the parts meanwhile.
        idle: what the parts use in a second of idling.
    """

    jobs: int
    used: Used
    idle: Mapping[str, float]

    @property
    def per_job(self) -> dict[str, float]:
        """Seconds of CPU of each part for a job, idling included."""
        return self.used.each(self.jobs)

    @property
    def beyond_idle(self) -> dict[str, float]:
        """The same without what the part uses while idling for the same time."""
        seconds = self.used.seconds / self.jobs
        return {
            part: round(cpu - self.idle[part] * seconds, 4) for part, cpu in self.per_job.items()
        }

    def figures(self) -> dict[str, object]:
        return {
            "jobs": self.jobs,
            "seconds": round(self.used.seconds, 1),
            "cpu_seconds_per_job": counted(self.per_job),
            "cpu_seconds_per_job_beyond_idle": counted(self.beyond_idle),
            "cpu_per_job": self.per_job,
            "cpu_per_job_beyond_idle": self.beyond_idle,
        }


@click.command()
@click.option("--burst", default=100, show_default=True, help="Orders placed at once.")
@click.option("--steady", default=100, show_default=True, help="Orders placed one a second.")
@click.option("--idle", default=60.0, show_default=True, help="Seconds without an order.")
@click.option(
    "--warm-up", default=40, show_default=True, help="Orders before; memory is seen then."
)
def main(burst: int, steady: int, idle: float, warm_up: int) -> None:
    """Warms up, idles, and serves both series."""
    with folder() as home, ours(home / "home") as subject:
        pool = Pool(process_id=subject.process_ids[WORKER])
        fresh = pool.now()
        to_the_end(replace(subject, serve=pool.look), warm_up, 0)
        resting = using(subject, partial(time.sleep, idle))
        memory = {part: of_part(pid) for part, pid in subject.process_ids.items()}
        process = pool.states(fresh)
        series = {
            name: Series(
                jobs=jobs,
                used=using(subject, partial(to_the_end, subject, jobs, pause)),
                idle=resting.each(resting.seconds),
            )
            for name, jobs, pause in (("burst", burst, 0), ("steady", steady, 1))
        }
    idling = resting.each(resting.seconds)
    keep(
        "cost",
        {
            "idle": {"seconds": idle, "cpu_per_second": idling, "counted": counted(idling)},
            **{name: each.figures() for name, each in series.items()},
            "memory_mb": memory,
            "worker_process_mb": process,
        },
    )
    show_cpu(idling, series)
    show_memory(memory, process)
    judge(
        *(
            Target(
                name=f"CPU seconds a job, {name}, idling included",
                value=counted(each.per_job),
                most=MOST_PER_JOB,
            )
            for name, each in series.items()
        )
    )


def show_cpu(idling: Mapping[str, float], series: Mapping[str, Series]) -> None:
    """What each part used, and all that count."""
    columns = [idling, *(of for each in series.values() for of in (each.per_job, each.beyond_idle))]
    named = (heading for name in series for heading in (f"{name}, a job", f"{name}, beyond idle"))
    table = Table("seconds of CPU", "idle, a second", *named)
    for part in idling:
        style = "dim" if part in RENDERS else None
        table.add_row(part, *(f"{column[part]:.3f}" for column in columns), style=style)
    table.add_section()
    table.add_row("all but renders and S3", *(f"{counted(column):.3f}" for column in columns))
    console().print(table)


def show_memory(memory: Mapping[str, Megabytes], process: Mapping[str, Megabytes]) -> None:
    """What each part holds, and one process of the worker."""
    table = Table("memory, MB", "USS", "PSS", "processes")
    for part, held in memory.items():
        table.add_row(part, f"{held['uss']:.0f}", f"{held['pss']:.0f}", "all")
    table.add_section()
    for state, held in process.items():
        name = f"a process of the worker, {state.replace('_', ' ')}"
        if held["processes"]:
            table.add_row(name, *(f"{held[key]:.0f}" for key in ("uss", "pss", "processes")))
    console().print(table)


if __name__ == "__main__":
    main()
