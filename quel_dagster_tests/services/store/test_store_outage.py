"""PostgreSQL away, or away for a moment."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from quel_dagster.model.errors import Unavailable
from quel_dagster.model.job import Production, Ticket
from quel_dagster.services import tables
from quel_dagster.services.database import connect
from quel_dagster.services.store import JobStore
from quel_dagster_tests.services.store.jobs import (
    LEASE,
    PRICE,
    deliver,
    everything,
    planned,
    rows,
    specs,
)

TICKET = Ticket(job_id=uuid4(), claim_id=uuid4())
VERBS: dict[str, Callable[[JobStore], object]] = {
    "look": lambda store: store.look([], timedelta(0), 1),
    "reserve": lambda store: store.reserve("fashion", [], 1),
    "refuse": lambda store: store.refuse(TICKET.job_id, "no"),
    "open": lambda store: store.open(TICKET, "run-1"),
    "renew": lambda store: store.renew(TICKET),
    "plan": lambda store: store.plan(TICKET, specs(1)),
    "settle": lambda store: store.settle(TICKET, Production()),
    "ticket_of": lambda store: store.ticket_of("run-1"),
    "reference_keys": lambda store: store.reference_keys([1]),
    "ended": lambda store: store.depths.ended(),
}


@pytest.fixture
def cut(database: str, engine: sa.Engine) -> Iterator[Callable[[], None]]:
    """Ends every connection to the database but its own."""
    other = connect(database)
    terminate = sa.text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    def cut_all() -> None:
        with other.begin() as tx:
            assert tx.execute(terminate).scalars().all()

    yield cut_all
    other.dispose()


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_a_server_that_is_away_is_said_to_be_so(
    tmp_path: Path, verb: Callable[[JobStore], object]
) -> None:
    engine = connect(f"postgresql://postgres:@/quel?host={tmp_path}")
    store = JobStore(engine, lease=LEASE, price=PRICE)
    with pytest.raises(Unavailable, match="check that it runs"):
        verb(store)


def test_connections_cut_in_the_pool_are_replaced(
    store: JobStore, engine: sa.Engine, cut: Callable[[], None]
) -> None:
    job = planned(store, engine, pictures=2)
    deliver(store, job, 0)
    cut()
    deliver(store, job, 1)
    assert len(rows(engine, tables.ledger)) == 2


def test_a_connection_cut_in_the_middle_leaves_nothing_half_done(
    store: JobStore, engine: sa.Engine, cut: Callable[[], None]
) -> None:
    job = planned(store, engine)
    before = everything(engine)

    def cut_after_charge(
        connection: sa.Connection, cursor: object, statement: str, *_: object
    ) -> None:
        if statement.startswith("INSERT INTO quel_credits"):
            cut()

    event.listen(engine, "after_cursor_execute", cut_after_charge)
    with pytest.raises(Unavailable, match="check that it runs"):
        deliver(store, job, 0)
    event.remove(engine, "after_cursor_execute", cut_after_charge)
    assert everything(engine) == before
    deliver(store, job, 0)
    assert len(rows(engine, tables.ledger)) == 1
