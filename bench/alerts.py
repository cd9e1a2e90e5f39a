"""Twenty thousand failures, far quicker than in an hour: how late each is told, and how often.

Jobs fail by the store's own verbs while the sensor `alerts` ticks at its own pace; the receiver of
its webhook is unreachable for a while, answers 500, and loses answers. A delay is the time between
a failure and the message in which the receiver was well. Prints a table, writes
.quel/bench/alerts.json, and ends with 1 where an alert came late, twice or not at all.
"""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from statistics import quantiles
from threading import Event
from uuid import UUID, uuid4

import click
import dagster as dg
import sqlalchemy as sa
from databases import database, server
from receiver import Mood, Receiver, receiver
from results import Target, console, judge, keep
from rich.table import Table
from standardwebhooks import Webhook as Verifier

from quel_dagster.alerting.sensor import alerts_sensor
from quel_dagster.demo.postgres import UNSAFE_BUT_FAST
from quel_dagster.model.alerting import Form
from quel_dagster.model.job import Production
from quel_dagster.model.settings import Settings
from quel_dagster.services.database import connect
from quel_dagster.services.outbox import Outbox
from quel_dagster.services.store import JobStore
from quel_dagster.services.webhook import Webhook

PATHS = ("beauty", "cartoon", "cinema", "eats", "fashion", "modify")
LATEST = 30.0
"""Seconds within which an alert must be told."""
PATIENCE = 120.0
"""Seconds after the last failure for what is still to be told."""
WRITERS = 16
LEASE = timedelta(minutes=1)
PRICE = 20
SECRET = "whsec_cXVlbC1iZW5jaC1hbGVydHM="
MOODS = (
    (0.1, Mood.AWAY),
    (0.45, Mood.WELL),
    (0.55, Mood.ILL),
    (0.75, Mood.WELL),
    (0.82, Mood.MUTE),
    (0.9, Mood.WELL),
)
"""Of the receiver, each from a share of the time on."""
WHY = "no ComfyUI server can be reached; the last one said: connection refused"
ORDERS = """
    WITH photo AS (
        INSERT INTO quel_production_photo (quel_production_path)
        SELECT (CAST(:paths AS text[]))[1 + n % 6] FROM generate_series(1, :jobs) AS n
        RETURNING production_id, quel_production_path
    )
    INSERT INTO quel_production_jobs (production_id, job_type, batch_index, total_images,
        job_input_data, quel_production_path)
    SELECT production_id, 'single_batch', 0, 1, '{"basePrompt": "linen suit"}', quel_production_path
    FROM photo
    RETURNING job_id, quel_production_path
"""
UNTOLD = """
    SELECT EXISTS (SELECT FROM quel.alert WHERE message_id IS NULL)
        OR EXISTS (SELECT FROM quel.alert_message WHERE sent_at IS NULL)
"""

Failed = Mapping[UUID, float]
"""When each job began to fail, in seconds since 1970."""


@click.command()
@click.option("--failures", default=20_000, show_default=True, help="Jobs that fail.")
@click.option("--rate", default=150, show_default=True, help="At most so many a second.")
def main(failures: int, rate: int) -> None:
    """Lets jobs fail and tells of them, then looks at what the receiver took."""
    with (
        server(*UNSAFE_BUT_FAST) as (postgres, _),
        database(postgres, "alerts") as engine,
        receiver(Verifier(SECRET).verify) as hook,
    ):
        writers = connect(postgres.url("alerts"), pool_size=WRITERS)
        store = JobStore(writers, lease=LEASE, price=PRICE)
        with engine.begin() as tx:
            jobs = tx.execute(sa.text(ORDERS), {"paths": list(PATHS), "jobs": failures}).all()
        began, over = time.monotonic(), Event()
        length = failures / rate
        with ThreadPoolExecutor(2) as beside:
            moods = [(share * length, mood) for share, mood in MOODS]
            living = beside.submit(hook.live, moods, began)
            telling = beside.submit(tell, engine, hook.url, over)
            try:
                failed = fail_all(store, [(job_id, path) for job_id, path in jobs], began, rate)
                took = time.monotonic() - began
                living.result()
                wait_until_told(engine)
            finally:
                over.set()
            ticks = telling.result()
        writers.dispose()
        figures = {"failures": failures, "failures_per_second": failures / took}
        figures |= {"ticks": len(ticks), "longest_tick_s": max(ticks)} | counted(hook, failed)
    show(figures)
    keep("alerts", figures)
    judge(
        Target(name="the latest alert, in seconds", value=figures["delay_max_s"], most=LATEST),
        Target(name="failures not told", value=figures["lost"], most=0),
        Target(name="failures told twice", value=figures["doubled"], most=0),
    )


def fail_all(
    store: JobStore, jobs: Sequence[tuple[UUID, str]], began: float, rate: float
) -> Failed:
    """Lets the jobs fail one after the other, some at once, at no more than a rate."""

    def one(number: int) -> tuple[UUID, float]:
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        job_id, path = jobs[number]
        at = time.time()
        fail(store, job_id, path, number)
        return job_id, at

    with ThreadPoolExecutor(WRITERS) as writers:
        return dict(writers.map(one, range(len(jobs))))


def fail(store: JobStore, job_id: UUID, path: str, number: int) -> None:
    """Lets a job fail for good in one of three ways: at the door, out of tries, or by its end."""
    if number % 3 == 0:
        assert store.refuse(job_id, "job_input_data.basePrompt is empty")
        return
    (reserved,) = store.reserve(path, [(job_id, None)], len(PATHS) * WRITERS)
    ticket = store.open(reserved.ticket, str(uuid4())).ticket
    if number % 3 == 1:
        store.release(ticket, WHY, pause=timedelta(0), most=1, failure="backend_away")
    else:
        store.settle(ticket, Production(stopped=WHY, failure="every_picture"))


def tell(engine: sa.Engine, url: str, over: Event) -> list[float]:
    """Ticks as the daemon does, until all is over; how long each tick took."""
    resources = {
        "store": JobStore(engine, lease=LEASE, price=PRICE),
        "settings": Settings.model_validate({"credits": {"price_per_image": PRICE}}),
        "outbox": Outbox(engine),
        "webhook": Webhook(url, SECRET, Form.JSON),
    }
    pause = float(alerts_sensor.minimum_interval_seconds or 0)
    cursor, ticks = None, list[float]()
    with dg.DagsterInstance.ephemeral() as instance:
        while not over.is_set():
            began = time.monotonic()
            with dg.build_sensor_context(
                instance=instance, resources=resources, cursor=cursor
            ) as context:
                cursor = alerts_sensor.evaluate_tick(context).cursor
            ticks.append(time.monotonic() - began)
            over.wait(max(0.0, pause - ticks[-1]))
    return ticks


def wait_until_told(engine: sa.Engine) -> None:
    """Returns when the outbox is empty, or when that takes too long."""
    until = time.monotonic() + PATIENCE
    with engine.connect() as connection:
        while connection.scalar(sa.text(UNTOLD)) and time.monotonic() < until:
            time.sleep(0.5)


def counted(hook: Receiver, failed: Failed) -> dict[str, float]:
    """Looks at every message that was taken: who was told late, not at all, or twice."""
    ids: defaultdict[str, set[str]] = defaultdict(set)
    bodies: dict[str, bytes] = {}
    delays: dict[UUID, float] = {}
    said_so = Counter(taken.id for taken in hook.taken if taken.said_so)
    doubled = sum(n - 1 for n in said_so.values())
    sizes: list[int] = []
    for taken in hook.taken:
        assert bodies.setdefault(taken.id, taken.body) == taken.body, "a message has changed"
        alerts = json.loads(taken.body)["data"]["alerts"]
        sizes.append(len(alerts))
        for alert in alerts:
            ids[alert["event"]].add(taken.id)
            if alert["event"].startswith("job_failed/") and alert["job_id"]:
                job_id = UUID(alert["job_id"])
                delay = hook.seconds_well(failed[job_id], taken.at)
                delays.setdefault(job_id, delay)
    jobs = Counter(event.split("/")[1] for event in ids if event.startswith("job_failed/"))
    doubled += sum(len(each) - 1 for each in ids.values()) + sum(n - 1 for n in jobs.values())
    cuts = quantiles(delays.values(), n=100)
    return {
        "told": len(delays),
        "lost": len(failed.keys() - delays.keys()),
        "doubled": doubled,
        "late": sum(delay > LATEST for delay in delays.values()),
        "delay_p50_s": cuts[49],
        "delay_p99_s": cuts[98],
        "delay_max_s": max(delays.values()),
        "asked": hook.asked,
        "messages": len(bodies),
        "sent_again_after_a_lost_answer": len(hook.taken) - len(bodies),
        "alerts_a_message_mean": sum(sizes) / len(sizes),
        "alerts_a_message_max": max(sizes),
        "bytes_a_message_max": max(map(len, bodies.values())),
    }


def show(figures: dict[str, float]) -> None:
    table = Table("figure", "value", title="failures told by the webhook")
    for name, value in figures.items():
        table.add_row(name, f"{value:,.2f}".removesuffix(".00"))
    console().print(table)


if __name__ == "__main__":
    main()
