"""Serves orders in one warm process without Dagster, which a worker of a plain queue would be."""

import logging
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from subjects import ROOM, Subject, services

from quel_dagster import categories
from quel_dagster.intake.tick import Tick
from quel_dagster.model.job import Picture, Reservation
from quel_dagster.model.parsing import parse
from quel_dagster.pipeline.cancelling import settle
from quel_dagster.pipeline.category import Category
from quel_dagster.pipeline.heartbeat import Heartbeat
from quel_dagster.pipeline.production import Stage
from quel_dagster.pipeline.studio import Studio

log = logging.getLogger(__name__)


@contextmanager
def plain(home: Path) -> Generator[Subject]:
    """The same doors, store and graphs; nobody is shown anything."""
    by_path = {category.path: category for category in categories.load()}
    with services(home) as (stack, subject):
        place = subject().place
        studio = Studio(
            store=place.store,
            storage=place.storage,
            backends=place.backends,
            queue=place.queue,
            settings=place.settings,
        )
        limits = dict.fromkeys(by_path, ROOM)
        tick = Tick(place.queue, place.store, place.settings.worker, lambda: limits, log)

        def serve() -> None:
            for found in tick.let_in():
                make(studio, by_path[found.path], found)

        parts = {**stack.parts, "plain": os.getpid()}
        yield subject(serve=serve, process_ids=parts, has_runs=False)


def make(studio: Studio, category: Category, found: Reservation) -> None:
    """What the ops of a run do, one after the other."""
    worker = studio.settings.worker
    row = studio.store.open(found.ticket, str(found.ticket.claim_id))
    job = parse(row, worker.limits, studio.settings.storage.public_urls)
    plan = category.plan(job, studio.settings)
    with Heartbeat(studio.store, job.ticket, worker.attempts.lease) as heartbeat:
        production = Stage(studio, job, plan, heartbeat, Nobody()).produce()
    settle(studio, job, production, log.warning)


class Nobody:
    """Is told about pictures, and keeps nothing."""

    def add(self, picture: Picture, data: bytes) -> None:
        pass

    def warn(self, line: str) -> None:
        log.warning(line)
