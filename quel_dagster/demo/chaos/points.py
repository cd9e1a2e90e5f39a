"""The points of a job's way at which its process can be struck, and the trap that strikes it.

Which verb leads past which point is known to `trapped`; what is planned for a job stands in `book`.
"""

import os
import signal
from enum import StrEnum
from uuid import UUID

import psycopg2
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from quel_dagster.demo.chaos.book import planned_points, spring
from quel_dagster.services.database import reaching_postgres


class Point(StrEnum):
    """Where a process can be struck, in the order of a job's way."""

    RESERVED = "between reserve and run request"
    OPENED = "after open"
    HOLDING = "inside a transaction that holds the job"
    SUBMITTED = "after submit"
    RENDERING = "while rendering"
    FETCHED = "after fetch"
    UPLOADED = "after upload, before the transaction"
    DELIVERED = "after the transaction, before its reply is read"
    SETTLING = "before settle"
    SETTLED = "after settle, before its reply is read"


class Deed(StrEnum):
    """What happens there to the process."""

    KILL = "kill"
    """SIGKILL."""
    FREEZE = "freeze"
    """SIGSTOP; the scene wakes it up when its job has gone on without it."""
    STOP = "stop"
    """SIGTERM, as at every deploy: Dagster makes an error of it, wherever the process is."""
    CUT = "cut"
    """The connection breaks after the commit was carried out: the caller hears an error."""


class Trap:
    """What is planned for the job that this process has in hand.

    Args:
        engine: the database with the schema `chaos`.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._job_id: UUID | None = None
        self._planned: frozenset[str] = frozenset()

    def watch(self, job_id: UUID) -> None:
        """From now on this is the job in hand."""
        self._job_id = job_id
        self._planned = planned_points(self._engine, job_id)

    def reach(self, point: Point) -> None:
        """Strikes this process if that was planned for here, as often as it was planned."""
        if self._job_id is None or point not in self._planned:
            return
        match spring(self._engine, self._job_id, point, os.getpid()):
            case Deed.KILL:
                os.kill(os.getpid(), signal.SIGKILL)
            case Deed.FREEZE:
                os.kill(os.getpid(), signal.SIGSTOP)
            case Deed.STOP:
                os.kill(os.getpid(), signal.SIGTERM)
            case Deed.CUT:
                broken = psycopg2.OperationalError("server closed the connection unexpectedly")
                with reaching_postgres():
                    raise OperationalError("COMMIT", None, broken)
            case _:
                pass
