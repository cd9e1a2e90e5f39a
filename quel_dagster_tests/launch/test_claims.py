"""At most one process executes a run, and one that dies leaves it to others."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from quel_dagster.launch.claims import Claims
from quel_dagster.services.database import connect

RUN, OTHER = "0d4f0b1e", "77a2c9d3"


@pytest.fixture
def engines(database: str) -> Iterator[tuple[sa.Engine, sa.Engine]]:
    pair = connect(database), connect(database)
    yield pair
    for engine in pair:
        engine.dispose()


def test_a_run_has_one_holder_at_a_time(engines: tuple[sa.Engine, sa.Engine]) -> None:
    ours, theirs = map(Claims, engines)
    with ours.hold(RUN) as first, theirs.hold(RUN) as second, theirs.hold(OTHER) as third:
        assert (first, second, third) == (True, False, True)
    with theirs.hold(RUN) as again:
        assert again


def test_a_run_is_free_once_its_holder_is_gone(engines: tuple[sa.Engine, sa.Engine]) -> None:
    engine, theirs = engines
    others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE query ~ 'pg_try'"
    with Claims(engine).hold(RUN) as held:
        assert held
        with theirs.connect() as connection:
            mine = " AND pid <> pg_backend_pid() AND datname = current_database()"
            assert connection.scalars(sa.text(others + mine)).all() == [True]
        with Claims(theirs).hold(RUN) as inherited:
            assert inherited
