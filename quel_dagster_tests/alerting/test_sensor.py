"""The sensor `alerts` as the daemon sees it, over real jobs that really fail."""

from datetime import timedelta
from uuid import UUID

import dagster as dg
import pytest
import sqlalchemy as sa

from quel_dagster.alerting.sensor import HISTORY, alerts_sensor
from quel_dagster.model.alert import AlertKind
from quel_dagster.model.alerting import Form
from quel_dagster.model.job import Payer
from quel_dagster.model.settings import Settings
from quel_dagster.services.outbox import Outbox, alert
from quel_dagster.services.store import JobStore
from quel_dagster.services.webhook import Webhook
from quel_dagster_tests.alerting.receiver import receiver
from quel_dagster_tests.alerting.test_outbox import events
from quel_dagster_tests.builders import make_member, place

LEASE = timedelta(minutes=1)
PRICE = 20


@pytest.fixture
def store(engine: sa.Engine) -> JobStore:
    return JobStore(engine, lease=LEASE, price=PRICE)


@pytest.fixture
def payer(engine: sa.Engine) -> Payer:
    return Payer(member_id=make_member(engine))


class Tick:
    """The sensor's ticks, each with the cursor that the last one left."""

    def __init__(self, engine: sa.Engine, store: JobStore, url: str | None) -> None:
        settings = {"credits": {"price_per_image": PRICE}, "alerts": {"failure_jobs": 3}}
        self._resources = {
            "store": store,
            "settings": Settings.model_validate(settings),
            "outbox": Outbox(engine),
            "webhook": Webhook(url, None, Form.JSON),
        }
        self.cursor: str | None = None

    def __call__(self) -> str:
        """One tick; the reason it gives."""
        with (
            dg.DagsterInstance.ephemeral() as instance,
            dg.build_sensor_context(
                instance=instance, resources=self._resources, cursor=self.cursor
            ) as context,
        ):
            data = alerts_sensor.evaluate_tick(context)
            self.cursor = data.cursor
        return data.skip_message or ""


def noted(engine: sa.Engine) -> list[tuple[str, str, UUID | None]]:
    columns = alert.c.kind, alert.c.path, alert.c.job_id
    with engine.connect() as connection:
        rows = connection.execute(sa.select(*columns).order_by(alert.c.noted_at)).all()
    return [(row.kind, row.path, row.job_id) for row in rows]


def test_a_job_that_fails_for_good_is_told_with_the_reason(
    engine: sa.Engine, store: JobStore, payer: Payer
) -> None:
    with receiver() as hook:
        tick = Tick(engine, store, hook.url)
        assert tick() == "0 messages sent"
        job_id = place(engine, payer, path="fashion")
        store.refuse(job_id, "job_input_data is empty")
        assert tick() == "1 messages sent"
        assert tick() == "0 messages sent"
        ((_, body),) = hook.taken
    assert f"job {job_id} failed: job_input_data is empty" in body
    assert len(events(hook)) == 1


def test_a_job_that_is_ordered_again_and_fails_again_is_told_again(
    engine: sa.Engine, store: JobStore, payer: Payer
) -> None:
    job_id = place(engine, payer, path="fashion")
    store.refuse(job_id, "no")
    with engine.begin() as tx:
        tx.execute(sa.text("UPDATE quel_production_jobs SET job_status = 'pending'"))
    store.refuse(job_id, "no")
    kind = AlertKind.JOB_FAILED
    assert noted(engine) == [(kind, "fashion", job_id), (kind, "fashion", job_id)]


def test_a_job_that_named_no_path_is_told_too(
    engine: sa.Engine, store: JobStore, payer: Payer
) -> None:
    job_id = place(engine, payer, path=None)
    store.refuse(job_id, "no")
    assert noted(engine) == [(AlertKind.JOB_FAILED, "", job_id)]


def test_a_path_on_which_too_many_fail_is_told_once(
    engine: sa.Engine, store: JobStore, payer: Payer
) -> None:
    tick = Tick(engine, store, None)
    tick()
    for _ in range(3):
        (reserved,) = store.reserve("eats", [(place(engine, payer, path="eats"), None)], 9)
        opened = store.open(reserved.ticket, "run")
        store.release(opened.ticket, "no server", pause=timedelta(0), most=1)
    tick()
    tick()
    found = noted(engine)
    assert [path for kind, path, _ in found if kind == AlertKind.FAILURE_RATE] == ["eats"]
    assert [path for kind, path, _ in found if kind == AlertKind.JOB_FAILED] == ["eats"] * 3


def test_a_path_that_starts_nothing_is_told(
    engine: sa.Engine, store: JobStore, payer: Payer
) -> None:
    store.limits.note({"eats": 2, "fashion": 5})
    place(engine, payer, path="eats", age=timedelta(minutes=12))
    Tick(engine, store, None)()
    assert noted(engine) == [(AlertKind.NO_CAPACITY, "eats", None)]


def test_the_cursor_stays_small(engine: sa.Engine, store: JobStore) -> None:
    tick = Tick(engine, store, None)
    for _ in range(5):
        tick()
    assert tick.cursor is not None
    assert len(HISTORY.validate_json(tick.cursor)) == 1
