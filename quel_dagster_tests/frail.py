"""A Redis of a test's own, which may be stopped in the middle and started again."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil

from quel_dagster.demo.redis import redis_part, redis_url
from quel_dagster.demo.supervisor import Supervisor


class FrailRedis:
    """A server that keeps nothing when it stops, and everything while it is frozen."""

    def __init__(self, supervisor: Supervisor) -> None:
        port = supervisor.port()
        self._supervisor = supervisor
        self._part = redis_part(port)
        self.url = redis_url(port)
        self.start()

    def start(self) -> None:
        self._supervisor.start(self._part)

    def stop(self) -> None:
        self._supervisor.stop(self._part.name)

    def freeze(self) -> None:
        """It takes connections and answers nothing."""
        self._process.suspend()

    def thaw(self) -> None:
        self._process.resume()

    @property
    def _process(self) -> psutil.Process:
        return psutil.Process(self._supervisor.process_ids[self._part.name])


@contextmanager
def frail_redis(folder: Path) -> Generator[FrailRedis]:
    """One that runs; `folder` takes its log."""
    with Supervisor(folder) as supervisor:
        yield FrailRedis(supervisor)
