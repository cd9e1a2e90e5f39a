"""The kill matrix: what is broken, and what must have become of the jobs that were under way.

How it is broken stands in `scripts`; what is counted afterwards in `counting`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from quel_dagster.demo.chaos import scripts
from quel_dagster.demo.chaos.counting import Wrong
from quel_dagster.demo.chaos.guards import Guard
from quel_dagster.demo.chaos.points import Deed, Point
from quel_dagster.model.status import JobStatus

if TYPE_CHECKING:
    from quel_dagster.demo.chaos.scene import Scene

COMPLETED = frozenset({JobStatus.COMPLETED})
FAILED = frozenset({JobStatus.FAILED})
CANCELLED = frozenset({JobStatus.USER_CANCELLED})
TAKEN_OVER = frozenset({Wrong.TAKEN_OVER})
WASTED_RENDERS = frozenset({Wrong.WASTED_RENDERS})


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One row of the matrix.

    Attributes:
        name: as the command line spells it.
        about: as the table explains it.
        script: places the jobs and breaks what is not a process of theirs.
        points: where processes are struck; the jobs take them in turn.
        deed: what happens to them there.
        times: how often it happens to one job.
        victims: how many jobs it happens to; None for all of them.
        paths: the only paths of its jobs; all of them where this is empty.
        most_jobs: how many jobs are enough, where they take long.
        most_images: how many pictures a job has at most.
        doors: how many processes let jobs in at once.
        copies: how often every run is executed.
        expected: how its jobs may end.
        expected_of_victims: how those may end to whom it happens, where that is another way.
        may_be: what is nothing wrong here. Attempts are taken over where processes die, and where
            they are slow; renders are wasted where a ComfyUI dies.
        shows: the guard whose absence this fault shows.
    """

    name: str
    about: str
    script: "Callable[[Scene], None]" = scripts.place_all
    points: Sequence[Point] = ()
    deed: Deed = Deed.KILL
    times: int = 1
    victims: int | None = None
    paths: frozenset[str] = frozenset()
    most_jobs: int = 10_000
    most_images: int = 3
    doors: int = 2
    copies: int = 1
    expected: frozenset[JobStatus] = COMPLETED
    expected_of_victims: frozenset[JobStatus] | None = None
    may_be: frozenset[Wrong] = TAKEN_OVER
    shows: Guard | None = None


def killed(name: str, point: Point, shows: Guard | None = None) -> Fault:
    """Every job's process is killed at a point, once."""
    return Fault(name=name, about=f"SIGKILL {point}", points=(point,), shows=shows)


FAULTS = (
    killed("killed-after-reserve", Point.RESERVED),
    killed("killed-after-open", Point.OPENED),
    killed("killed-after-submit", Point.SUBMITTED),
    killed("killed-while-rendering", Point.RENDERING),
    killed("killed-after-fetch", Point.FETCHED),
    killed("killed-after-upload", Point.UPLOADED),
    killed("killed-after-commit", Point.DELIVERED, Guard.SLOT),
    killed("killed-before-settle", Point.SETTLING),
    Fault(
        name="killed-every-time",
        about="one job's process is killed at every attempt; the others of its path flow on",
        points=(Point.OPENED,),
        times=1000,
        victims=1,
        paths=frozenset({"fashion"}),
        expected_of_victims=FAILED,
    ),
    Fault(
        name="told-to-stop",
        about="SIGTERM after open, while rendering and before settle, as at a deploy",
        points=(Point.OPENED, Point.RENDERING, Point.SETTLING),
        deed=Deed.STOP,
    ),
    Fault(
        name="frozen",
        about="SIGSTOP past the lease, then SIGCONT: a zombie that goes on writing",
        points=(
            Point.OPENED,
            Point.RENDERING,
            Point.UPLOADED,
            Point.SETTLING,
            Point.HOLDING,
        ),
        deed=Deed.FREEZE,
        shows=Guard.FENCE,
    ),
    Fault(
        name="commit-cut",
        about="the database connection breaks after a commit was sent",
        points=(Point.RESERVED, Point.OPENED, Point.DELIVERED, Point.SETTLED),
        deed=Deed.CUT,
    ),
    Fault(
        name="long-render",
        about="renders that take as long as three leases",
        script=scripts.render_long,
        most_jobs=4,
        most_images=1,
        may_be=frozenset(),
        shows=Guard.LEASE,
    ),
    Fault(
        name="reserved-at-once",
        about="16 processes reserve at the same moment on one path, and vanish",
        script=scripts.rush,
        paths=frozenset({"fashion"}),
        shows=Guard.LOCK,
    ),
    Fault(name="run-twice", about="every run is executed by two processes at once", copies=2),
    Fault(
        name="two-daemons",
        about="two dagster-daemons on one database, with the stock launcher",
        script=scripts.two_daemons,
        most_jobs=6,
        doors=0,
    ),
    Fault(
        name="rung-five-times",
        about="the same id pushed five times before, during and after",
        script=scripts.ring_five_times,
    ),
    Fault(
        name="cancelled",
        about="cancelled in the middle of a picture, which is not made",
        script=scripts.cancel,
        expected=CANCELLED,
        may_be=TAKEN_OVER | WASTED_RENDERS,
    ),
    Fault(
        name="redis-emptied",
        about="Redis loses everything, after the rings and again while rendering",
        script=scripts.empty_redis,
    ),
    Fault(name="redis-down", about="Redis is away for 20 s", script=scripts.stop_redis),
    Fault(
        name="postgres-restarted",
        about="PostgreSQL is killed in mid-job and started again",
        script=scripts.restart_postgres,
    ),
    Fault(
        name="comfyui-killed",
        about="a ComfyUI is killed while rendering; a second one is alive",
        script=scripts.kill_one_comfyui,
        may_be=TAKEN_OVER | WASTED_RENDERS,
    ),
    Fault(
        name="every-comfyui-killed",
        about="every ComfyUI is killed while rendering, and back after some seconds",
        script=scripts.kill_every_comfyui,
        may_be=TAKEN_OVER | WASTED_RENDERS,
    ),
)
"""All of them, in the order of a job's way."""

BY_NAME = {fault.name: fault for fault in FAULTS}
