"""Reaching PostgreSQL, and what is said when it cannot be reached."""

import socket
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError

from quel_dagster.model.errors import ConfigurationError, Unavailable
from quel_dagster.services.database import connect, reaching_postgres


def setting(engine: sa.Engine, name: str) -> str:
    with engine.connect() as connection:
        return connection.execute(sa.select(sa.func.current_setting(name))).scalar_one()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_every_spelling_of_the_scheme_means_psycopg2(empty_database: str, scheme: str) -> None:
    engine = connect(empty_database.replace("postgresql", scheme, 1), application_name="a test")
    assert engine.driver == "psycopg2"
    assert setting(engine, "application_name") == "a test"
    assert setting(engine, "statement_timeout") == "30s"
    engine.dispose()


def test_what_the_url_says_goes_before_our_defaults(empty_database: str) -> None:
    engine = connect(f"{empty_database}&application_name=own&options=-c%20work_mem=8MB")
    assert setting(engine, "application_name") == "own"
    assert setting(engine, "work_mem") == "8MB"
    assert setting(engine, "statement_timeout") == "30s"
    engine.dispose()


@pytest.mark.parametrize(
    "url", ["", "secret", "mysql://u:secret@h/d", "postgresql://u:secret@h:x/d"]
)
def test_an_unusable_url_is_refused_without_repeating_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError, match="expected postgresql://") as refusal:
        connect(url)
    assert "secret" not in str(refusal.value)


def test_a_server_that_is_down_is_named_without_its_password() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        engine = connect(f"postgresql://bob:secret@127.0.0.1:{port}/quel")
        with pytest.raises(Unavailable) as error, reaching_postgres():
            engine.connect()
    assert str(error.value).startswith(f"PostgreSQL at 127.0.0.1:{port}/quel: ")
    assert "check that it runs" in str(error.value)
    assert "secret" not in str(error.value)


def test_a_broken_connection_is_reported_once_and_then_replaced(empty_database: str) -> None:
    engine = connect(empty_database)

    @reaching_postgres()
    def die() -> None:
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(
        Unavailable, match=r"PostgreSQL at .*: (server closed|terminating).*; check"
    ):
        die()
    assert setting(engine, "application_name") == "quel"
    engine.dispose()


def test_a_statement_ends_in_time(empty_database: str) -> None:
    engine = connect(empty_database, statement_timeout=timedelta(milliseconds=20))
    with (
        pytest.raises(Unavailable, match="statement timeout; it answers but could not finish"),
        reaching_postgres(),
        engine.connect() as connection,
    ):
        connection.execute(sa.text("SELECT pg_sleep(60)"))
    engine.dispose()


def test_a_process_that_freezes_inside_a_transaction_gives_back_its_locks(
    empty_database: str,
) -> None:
    """It hears of it when it goes on, as of a server that was away."""
    frozen = connect(empty_database, idle_timeout=timedelta(milliseconds=200))
    other = connect(empty_database)
    lock = sa.select(sa.func.pg_advisory_xact_lock(1))

    @reaching_postgres()
    def freeze() -> None:
        with frozen.begin() as held:
            held.execute(lock)
            with other.begin() as waiting:
                waiting.execute(lock)
            held.execute(sa.select(1))

    with pytest.raises(Unavailable, match=r"PostgreSQL at .*: .*; check"):
        freeze()
    assert setting(frozen, "idle_in_transaction_session_timeout") == "200ms"
    assert setting(other, "idle_in_transaction_session_timeout") == "10s"
    frozen.dispose()
    other.dispose()


def test_our_own_mistakes_are_not_called_an_outage(empty_database: str) -> None:
    engine = connect(empty_database)
    with (
        pytest.raises(ProgrammingError, match="no_such_table"),
        reaching_postgres(),
        engine.connect() as connection,
    ):
        connection.execute(sa.text("SELECT 1 FROM no_such_table"))
    engine.dispose()
