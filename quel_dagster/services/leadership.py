"""One at a time: a lock that a process has for as long as its session with PostgreSQL lives.

What is done under it is the caller's. A process that is killed or cut off loses the session, and
with it the lock; one that is merely frozen keeps both.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import sqlalchemy as sa

from quel_dagster.model.errors import Unavailable
from quel_dagster.services.database import connect, reaching_postgres

LOCK = int.from_bytes(b"qdae")
"""The first number of the lock; the second stands for the schema that the address leads to."""
EVERY = 1.0
"""Seconds between two looks: whether the lock can be had, and whether we still have it."""
SILENCE = {
    "connect_timeout": "5",
    "tcp_user_timeout": "5000",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "2",
}
"""We take the server for lost after five seconds of silence."""
LATER = (
    "SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"
)
"""And it us after thirty: who has lost the lock stops long before another can have it."""

Wait = Callable[[float], object]


@dataclass(frozen=True)
class Leadership:
    """The lock, held.

    Attributes:
        connection: the session that has it.
    """

    connection: sa.Connection

    @classmethod
    def await_turn(cls, url: str, tell: Callable[[str], None], wait: Wait) -> Self:
        """Waits for the lock as long as it takes, and tells once why it has to.

        Args:
            url: of the database. A pooler in transaction mode would hand the session to others.
            tell: is told what is waited for, each time that changes.
            wait: sleeps for so many seconds.
        """
        address = sa.make_url(url).update_query_dict(SILENCE).render_as_string(False)
        engine = connect(address, pool_size=1, application_name="quel daemon")
        told = ""
        while True:
            try:
                connection = session(engine)
                if takes(connection):
                    return cls(connection)
                connection.close()
                why = "another process has the lock; this one takes over when it ends"
            except Unavailable as error:
                why = str(error)
            if why != told:
                tell(why)
            told = why
            wait(EVERY)

    def watch(self, lost: Callable[[str], None], stop: threading.Event) -> None:
        """Asks every second whether the session lives; says why when it does not, and returns."""
        while not stop.wait(EVERY):
            try:
                with reaching_postgres():
                    self.connection.execute(sa.select(1))
            except Unavailable as error:
                lost(str(error))
                return


def session(engine: sa.Engine) -> sa.Connection:
    """A connection of its own."""
    with reaching_postgres():
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql(LATER)
    return connection


def takes(connection: sa.Connection) -> bool:
    """Takes the lock, if nobody has it."""
    schema = sa.func.hashtext(sa.func.current_schema())
    with reaching_postgres():
        return bool(connection.scalar(sa.select(sa.func.pg_try_advisory_lock(LOCK, schema))))
