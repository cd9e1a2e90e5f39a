"""One fault's turn: its jobs are placed, something breaks, and they are waited for.

What is broken stands in the fault and its script; what became of the jobs is counted elsewhere.
"""

import os
import signal
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import cycle
from uuid import UUID

import sqlalchemy as sa

from quel_dagster.demo.chaos import book
from quel_dagster.demo.chaos.crew import Crew, reserving_at_once
from quel_dagster.demo.chaos.faults import Fault
from quel_dagster.demo.chaos.site import Site
from quel_dagster.demo.front_end import FrontEnd, NewOrder
from quel_dagster.demo.recipes import RECIPES
from quel_dagster.demo.samples import BALANCE, new_payers
from quel_dagster.demo.supervisor import StackFailed, Stop
from quel_dagster.model.errors import Unavailable
from quel_dagster.model.status import FINAL, SlotState
from quel_dagster.services.database import reaching_postgres
from quel_dagster.services.tables import job, slot

LOOK_EVERY = 0.1
"""Seconds between two looks at the rows, which is all that a customer has."""


class Scene:
    """A fault and its jobs.

    Args:
        site: the services.
        crew: the processes.
        fault: what is to happen.
        number: how many jobs.
    """

    def __init__(self, site: Site, crew: Crew, fault: Fault, number: int) -> None:
        self.site = site
        self.fault = fault
        self.number = number
        self.job_ids: list[UUID] = []
        self._crew = crew
        self._engine = site.engine
        self._front_end = FrontEnd(site.engine, None)
        self._orders = self._endless_orders()
        self._points = cycle(fault.points)
        self._ends = 0.0

    def play(self) -> None:
        """Lets it happen, and waits until all jobs are final, at most as long as the patience."""
        self._crew.arrange(doors=self.fault.doors, copies=self.fault.copies)
        self._ends = time.monotonic() + self.site.pace.patience
        self.fault.script(self)
        self.until_final()

    def place(self, number: int | None = None, *, quietly: bool = False) -> None:
        """Places so many jobs, else all of them, and rings for each as soon as it is placed."""
        for _ in range(self.number if number is None else number):
            order = next(self._orders)
            is_victim = self.fault.victims is None or len(self.job_ids) < self.fault.victims
            job_id = self._front_end.place(order)
            expected = (is_victim and self.fault.expected_of_victims) or self.fault.expected
            book.note_job(self._engine, self.fault.name, job_id, sorted(expected))
            if is_victim and self.fault.points:
                point = next(self._points)
                book.set_trap(self._engine, job_id, point, self.fault.deed, self.fault.times)
            self.job_ids.append(job_id)
            if not quietly:
                self.ring([job_id])

    def reserving_at_once(self, number: int, path: str) -> AbstractContextManager[None]:
        """So many processes that reserve on a path at the same moment: when the block ends."""
        return reserving_at_once(self._crew.place, number, path)

    def ring(self, job_ids: Sequence[UUID], times: int = 1) -> None:
        """Rings for jobs, if Redis can be reached."""
        with suppress(Unavailable):
            for job_id in job_ids:
                for _ in range(times):
                    self.site.environment.queue.ring(job_id)

    def wait(self, seconds: float) -> None:
        """Lets time pass."""
        ends = time.monotonic() + seconds
        self._until(lambda: time.monotonic() >= ends)

    def until_rendering(self, *job_ids: UUID) -> None:
        """Waits until a picture of one of these jobs, or of any, is being made or has been."""
        begun = sa.select(slot.c.slot).where(
            slot.c.job_id.in_(job_ids or self.job_ids), slot.c.state != SlotState.PLANNED
        )
        self._until(lambda: self._scalar(begun) is not None)

    def until_final(self) -> None:
        """Waits until no job will change any more and no process is at one."""
        unfinished = sa.select(sa.func.count()).where(
            job.c.job_id.in_(self.job_ids), job.c.job_status.not_in(FINAL)
        )
        self._until(
            lambda: (
                self._scalar(unfinished) == 0
                and self._crew.is_idle
                and not book.frozen(self._engine)
            )
        )

    @contextmanager
    def without(self, *parts: str) -> Generator[None]:
        """Parts of the stack are killed, and started again after the block."""
        for part in parts:
            if part.startswith("comfyui-"):
                self.site.renderers.note(int(part.removeprefix("comfyui-")))
            self.site.stack.kill(part)
        try:
            yield
        finally:
            for part in parts:
                self.site.stack.restart(part)

    def _until(self, is_so: Callable[[], bool]) -> None:
        """Waits until something is so, or the scene's patience is over, and wakes the frozen.

        Raises:
            StackFailed: somebody wants to stop.
        """
        while time.monotonic() < self._ends:
            with suppress(Unavailable):  # that is what a fault may be about
                self._wake()
            with suppress(Unavailable):
                if is_so():
                    return
            if isinstance(event := self.site.stack.wait(LOOK_EVERY), Stop):
                raise StackFailed(str(event))

    def _wake(self) -> None:
        """Lets frozen processes go on: one beside its successor, the next one after the end."""
        for number, pid, was_at, is_at, status in book.frozen(self._engine):
            if status in FINAL or (number % 2 and is_at > was_at):
                book.note_woken(self._engine, number)
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def _scalar(self, query: sa.Select[tuple[int]]) -> object:
        with reaching_postgres(), self._engine.connect() as connection:
            return connection.scalar(query)

    def _endless_orders(self) -> Iterator[NewOrder]:
        """As the samples' orders, paid by a member and an organization of this fault."""
        with reaching_postgres(), self._engine.begin() as tx:
            payers = new_payers(tx, f"{self.fault.name}-")
        for payer_id in {each for payer in payers for each in (payer.member_id, payer.org_id)}:
            if payer_id:
                book.note_payer(self._engine, self.fault.name, payer_id, BALANCE)
        recipes = [r for r in RECIPES if r.path in (self.fault.paths or {r.path})]
        for turn, recipe in enumerate(cycle(recipes)):
            images = 1 + turn % self.fault.most_images
            yield recipe.order(payers[turn % 2], self.site.references, images)
