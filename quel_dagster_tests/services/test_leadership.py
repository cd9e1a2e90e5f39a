"""The lock of the only daemon: one has it, and loses it with its session."""

import threading

import pytest
import sqlalchemy as sa

from quel_dagster.demo.dagster import in_schema
from quel_dagster.services.database import connect
from quel_dagster.services.leadership import Leadership


class Tired(Exception):
    """Who waits for the lock has waited long enough."""


class Candidate:
    """Somebody who wants the lock, and asks for it so many times."""

    def __init__(self, url: str, patience: int = 3) -> None:
        self.told: list[str] = []
        self._url = url
        self._patience = patience

    def takes_over(self) -> Leadership:
        return Leadership.await_turn(self._url, self.told.append, self._wait)

    def _wait(self, _seconds: float) -> None:
        self._patience -= 1
        if not self._patience:
            raise Tired


def end_sessions(url: str, name: str = "quel daemon") -> None:
    """As an operator, a restart or a network does."""
    engine = connect(url, application_name="undertaker")
    ended = sa.text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name"
        " AND datname = current_database()"
    )
    with engine.connect() as connection:
        connection.execute(ended, {"name": name})
    engine.dispose()


def test_a_second_one_waits_and_says_once_why(empty_database: str) -> None:
    first = Candidate(empty_database).takes_over()
    second = Candidate(empty_database)
    with pytest.raises(Tired):
        second.takes_over()
    assert second.told == ["another process has the lock; this one takes over when it ends"]
    first.connection.close()


def test_it_goes_to_the_next_with_the_session_of_the_first(empty_database: str) -> None:
    first = Candidate(empty_database).takes_over()
    first.connection.invalidate()
    second = Candidate(empty_database, patience=20).takes_over()
    assert second.connection.scalar(sa.select(1)) == 1
    second.connection.close()


def test_who_loses_its_session_is_told(empty_database: str) -> None:
    turn = Candidate(empty_database).takes_over()
    lost: list[str] = []
    watching = threading.Thread(target=turn.watch, args=(lost.append, threading.Event()))
    watching.start()
    end_sessions(empty_database)
    watching.join(20)
    assert len(lost) == 1
    assert "PostgreSQL" in lost[0]
    assert Candidate(empty_database).takes_over()


def test_two_houses_on_one_database_do_not_wait_for_each_other(empty_database: str) -> None:
    engine = connect(empty_database)
    with engine.begin() as tx:
        for schema in ("dagster", "another"):
            tx.execute(sa.schema.CreateSchema(schema))
    engine.dispose()
    first = Candidate(in_schema(empty_database, "dagster")).takes_over()
    second = Candidate(in_schema(empty_database, "another"))
    assert second.takes_over()
    assert second.told == []
    first.connection.close()


def test_a_database_that_is_away_is_waited_for_and_named() -> None:
    candidate = Candidate("postgresql://quel@127.0.0.1:9/quel")
    with pytest.raises(Tired):
        candidate.takes_over()
    (told,) = candidate.told
    assert "127.0.0.1:9/quel" in told
