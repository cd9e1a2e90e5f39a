"""The environment of `quel explain`: a database it cannot write to, and nothing else."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from quel_dagster.environment import here
from quel_dagster.model.job import Payer
from quel_dagster.services import tables
from quel_dagster.services.database import connect
from quel_dagster.services.migrations import record_cut_off
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import make_member
from quel_dagster_tests.services.store.jobs import LEASE, PRICE


@pytest.fixture
def shelf(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.Engine]:
    """A database with attach rows 1 and 2.

    The command finds it in its environment, in sessions that cannot write, and nothing else there.
    """
    for name in ("QUEL_REDIS_URL", "S3_ENDPOINT_URL", "COMFYUI_URLS", "QUEL_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    separator = "&" if "?" in database else "?"
    monkeypatch.setenv(
        "QUEL_DATABASE_URL",
        f"{database}{separator}options=-c%20default_transaction_read_only%3Don",
    )
    here.cache_clear()
    engine = connect(database)
    record_cut_off(engine, LEASE)
    with engine.begin() as tx:
        for number in (1, 2):
            tx.execute(sa.insert(tables.attach).values(attach_file_path=f"upload-{number}.webp"))
    yield engine
    engine.dispose()
    here().close()
    here.cache_clear()


@pytest.fixture
def store(shelf: sa.Engine) -> JobStore:
    return JobStore(shelf, lease=LEASE, price=PRICE)


@pytest.fixture
def payer(shelf: sa.Engine) -> Payer:
    return Payer(member_id=make_member(shelf))
