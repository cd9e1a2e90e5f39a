"""The way to PostgreSQL: a pool of connections, and one word for every way it can be out of reach.

No statement and no table is named here.
"""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from quel_dagster.model.errors import ConfigurationError, Unavailable
from quel_dagster.model.fields import read_json

SCHEMES = frozenset({"postgres", "postgresql"})
MILLISECOND = timedelta(milliseconds=1)

LIVENESS = {
    "connect_timeout": "10",
    "keepalives": "1",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
"""Connection parameters of libpq that bound every wait for a dead server; a URL may set its own."""


def connect(
    url: str,
    *,
    pool_size: int = 5,
    application_name: str = "quel",
    statement_timeout: timedelta = timedelta(seconds=30),
    idle_timeout: timedelta = timedelta(seconds=10),
) -> sa.Engine:
    """A pool of psycopg2 connections, none of which is opened yet.

    Args:
        url: `postgres://`, `postgresql://` or `postgresql+<any driver>://`; a Unix socket is
            written `postgresql://user:@/database?host=/folder`.
        pool_size: connections that stay open; up to ten more open and close with the demand.
        application_name: what `pg_stat_activity` calls them.
        statement_timeout: the longest any statement may take, waiting for locks included.
        idle_timeout: the longest a transaction may lie idle. Nobody thinks for so long inside one:
            its process is frozen or cut off, and must not keep what it has locked from others.

    Raises:
        ConfigurationError: the URL is none, or not one of PostgreSQL.
    """
    address = _parse(url)
    given = address.normalized_query
    options = [
        f"-c statement_timeout={statement_timeout / MILLISECOND:.0f}",
        f"-c idle_in_transaction_session_timeout={idle_timeout / MILLISECOND:.0f}",
    ]
    defaults = {**LIVENESS, "application_name": application_name}
    missing = {name: value for name, value in defaults.items() if name not in given}
    engine = sa.create_engine(
        address.set(drivername="postgresql+psycopg2"),
        pool_size=pool_size,
        pool_pre_ping=True,
        pool_timeout=10,
        json_deserializer=read_json,
        connect_args={**missing, "options": " ".join([*options, *given.get("options", ())])},
    )
    _sign_errors(engine, f"PostgreSQL at {_where(address)}")
    return engine


@contextmanager
def reaching_postgres() -> Generator[None]:
    """Around statements, or as a decorator: what may pass with time becomes `Unavailable`.

    That is a server out of reach, a connection that broke, a pool with no connection free, and a
    statement that ran out of time, waited too long for a lock or lost a deadlock.

    Raises:
        Unavailable: names the server (of an engine made by `connect`) and what to do.
    """
    try:
        yield
    except PoolTimeout as error:
        raise Unavailable(
            f"PostgreSQL: no connection of the pool became free ({error}); "
            "fewer things at once or a larger pool_size help"
        ) from error
    except DBAPIError as error:
        if not (error.connection_invalidated or isinstance(error, OperationalError)):
            raise
        raise Unavailable(_explain(error)) from error


def _parse(url: str) -> sa.URL:
    try:
        address = sa.make_url(url)
    except (ArgumentError, ValueError):
        # The cause would repeat the URL, and with it the password.
        raise ConfigurationError(
            "the database URL cannot be read; expected postgresql://user:password@host:5432/quel"
        ) from None
    if address.get_backend_name() not in SCHEMES:
        raise ConfigurationError(
            f"the database URL begins with {address.drivername}://; expected postgresql://"
        )
    return address


def _sign_errors(engine: sa.Engine, name: str) -> None:
    """Every error of the engine carries its name, for `reaching_postgres` to tell."""

    def sign(context: ExceptionContext) -> None:
        if isinstance(error := context.sqlalchemy_exception, StatementError):
            error.add_detail(name)

    event.listen(engine, "handle_error", sign)


def _where(address: sa.URL) -> str:
    hosts = [address.host] if address.host else address.normalized_query.get("host", ())
    host = ",".join(hosts) or "the local socket"
    port = f":{address.port}" if address.port else ""
    return f"{host}{port}/{address.database or ''}"


def _explain(error: DBAPIError) -> str:
    """Who, what in the server's words, and what to do. The words of libpq hold no password."""
    who = ", ".join(error.detail) or "PostgreSQL"
    what = next(iter(str(error.orig).strip().splitlines()), "the connection broke")
    answered = getattr(error.orig, "pgcode", None) is not None and not error.connection_invalidated
    advice = (
        "it answers but could not finish this now; try again, and if it stays, look for what "
        "blocks it in pg_stat_activity"
        if answered
        else "check that it runs, that the database URL names it and that its user may connect"
    )
    return f"{who}: {what}; {advice}"
