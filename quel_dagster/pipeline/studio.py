"""What making pictures needs from outside: clients, and who watches an attempt and hears of it.

How pictures are made lies in `production` and `rendering`.
"""

from dataclasses import dataclass
from typing import Protocol

from quel_dagster.model.job import Picture
from quel_dagster.model.settings import Settings
from quel_dagster.services.comfyui.backends import Backends
from quel_dagster.services.queue import JobQueue
from quel_dagster.services.storage import Storage
from quel_dagster.services.store import JobStore


@dataclass(frozen=True, kw_only=True)
class Studio:
    """Everything that making pictures needs, shared by all runs of a process."""

    store: JobStore
    storage: Storage
    backends: Backends
    queue: JobQueue
    settings: Settings


class Watch(Protocol):
    """Who knows whether the job is still this attempt's."""

    def check(self) -> None:
        """Raises `TicketLost` when this attempt may write nothing more."""
        ...


class Audience(Protocol):
    """Who is told about pictures as they are made."""

    def add(self, picture: Picture, data: bytes) -> None:
        """A picture was delivered; `data` is its WebP."""
        ...

    def warn(self, line: str) -> None:
        """Something an operator should know."""
        ...
