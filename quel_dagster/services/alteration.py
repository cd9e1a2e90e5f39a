"""Changes to the definition of a table that serves live traffic: each waits briefly, many times.

While such a change waits for its lock, all later traffic of the table waits behind it. So it gives
up after the session's `lock_timeout`, lets the others through, and tries again.
"""

import time

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

TRIES = 20
PAUSE = 0.5
"""Seconds in which the traffic that had to wait goes on."""


def alter(connection: sa.Connection, *statements: str, tries: int = TRIES) -> None:
    """Executes the statements as one transaction: all or none of them take effect.

    Args:
        connection: with a `lock_timeout`, and in no transaction.
        statements: without parameters.
        tries: how often.

    Raises:
        sqlalchemy.exc.OperationalError: the table was busy each time.
    """
    for tries_left in reversed(range(tries)):
        try:
            with connection.begin():
                for statement in statements:
                    connection.exec_driver_sql(statement)
        except OperationalError as error:
            if error.connection_invalidated or not tries_left:
                raise
            time.sleep(PAUSE)
        else:
            return
