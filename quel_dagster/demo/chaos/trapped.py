"""The clients of a process that can be struck: the product's own, with a trap behind their verbs.

What is done at a point, and to which job, is known to the trap.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, wraps
from typing import ParamSpec, TypeVar
from uuid import UUID

from quel_dagster.demo.chaos.guards import Guard, GuardedStore
from quel_dagster.demo.chaos.points import Point, Trap
from quel_dagster.environment import Environment
from quel_dagster.model.job import JobRow, Outcome, Production, Reservation, Ticket
from quel_dagster.services.comfyui.backends import Backends
from quel_dagster.services.comfyui.found import Found, Running
from quel_dagster.services.comfyui.server import ComfyServer
from quel_dagster.services.storage import Storage
from quel_dagster.services.store import JobStore

Given = ParamSpec("Given")
Returned = TypeVar("Returned")


class TrappedEnvironment(Environment):
    """The clients that a set of environment variables describes, with a trap behind them.

    Args:
        variables: addresses of running services.
        removed: guards that the store goes without.
    """

    def __init__(self, variables: Mapping[str, str], removed: frozenset[Guard]) -> None:
        super().__init__(variables)
        self._removed = removed

    @cached_property
    def trap(self) -> Trap:
        """Knows which job this process has in hand, and what is planned for it."""
        return Trap(self.engine)

    @cached_property
    def store(self) -> JobStore:
        """The job store in PostgreSQL."""
        store = GuardedStore(
            self.engine,
            lease=self.settings.worker.attempts.lease,
            price=self.settings.credits.price_per_image,
            removed=self._removed,
            holding=lambda: self.trap.reach(Point.HOLDING),
        )
        return trapped_store(store, self.trap)

    @cached_property
    def storage(self) -> Storage:
        """The bucket in S3."""
        storage = super().storage
        storage.put = past(storage.put, self.trap, Point.UPLOADED)
        return storage

    @cached_property
    def backends(self) -> Backends:
        """The ComfyUI servers."""
        backends = super().backends
        for url in self.settings.comfyui.backends:
            if server := backends.by_url(url):
                trap_server(server, self.trap)
        return backends


def past(verb: Callable[Given, Returned], trap: Trap, point: Point) -> Callable[Given, Returned]:
    """The verb, and after it the point."""

    @wraps(verb)
    def led(*args: Given.args, **kwargs: Given.kwargs) -> Returned:
        answer = verb(*args, **kwargs)
        trap.reach(point)
        return answer

    return led


def trapped_store(store: JobStore, trap: Trap) -> JobStore:
    """The same store; a reservation and an opened job are in hand from then on."""
    reserve, open_job, settle = store.reserve, store.open, store.settle

    def reserved(
        path: str, candidates: Sequence[tuple[UUID, str | None]], limit: int
    ) -> list[Reservation]:
        reservations = reserve(path, candidates, limit)
        for reservation in reservations:
            trap.watch(reservation.ticket.job_id)
            trap.reach(Point.RESERVED)
        return reservations

    def opened(ticket: Ticket, run_id: str) -> JobRow:
        row = open_job(ticket, run_id)
        trap.watch(ticket.job_id)
        trap.reach(Point.OPENED)
        return row

    def settled(ticket: Ticket, production: Production) -> Outcome:
        trap.reach(Point.SETTLING)
        return settle(ticket, production)

    store.reserve = reserved
    store.open = opened
    store.deliver = past(store.deliver, trap, Point.DELIVERED)
    store.settle = past(settled, trap, Point.SETTLED)
    return store


def trap_server(server: ComfyServer, trap: Trap) -> None:
    """Sets the trap behind the server's verbs."""
    find = server.find

    def found(prompt_id: UUID) -> Found:
        answer = find(prompt_id)
        if isinstance(answer, Running):
            trap.reach(Point.RENDERING)
        return answer

    server.find = found
    server.submit = past(server.submit, trap, Point.SUBMITTED)
    server.view = past(server.view, trap, Point.FETCHED)
