"""The sensor `alerts`: watches the paths, and empties the outbox into the webhook.

It reads the store alone, by a cursor of counts; no job ever waits for it.
"""

import logging
import time
from datetime import UTC, datetime

import dagster as dg
from pydantic import TypeAdapter

from quel_dagster.alerting.conditions import (
    Snapshot,
    no_capacity,
    remembered,
    snapshot,
    too_many_failures,
    traffic,
)
from quel_dagster.model.alert import Message, NotTaken
from quel_dagster.model.alerting import AlertSettings
from quel_dagster.model.settings import Settings
from quel_dagster.services.outbox import Outbox, Send
from quel_dagster.services.store import JobStore
from quel_dagster.services.webhook import Webhook

HISTORY = TypeAdapter(tuple[Snapshot, ...])
LONGEST = 20.0
"""Seconds of sending in one tick, which Dagster ends after sixty."""


@dg.sensor(
    name="alerts",
    description="Tells operators of failed jobs and paths in trouble, by webhook or in this log.",
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def alerts_sensor(
    context: dg.SensorEvaluationContext,
    store: dg.ResourceParam[JobStore],
    settings: dg.ResourceParam[Settings],
    outbox: dg.ResourceParam[Outbox],
    webhook: dg.ResourceParam[Webhook],
) -> dg.SkipReason:
    """Starts no run; what it did is the reason it gives."""
    history = HISTORY.validate_json(context.cursor) if context.cursor else ()
    history = watch(store, outbox, settings, history, datetime.now(UTC))
    context.update_cursor(HISTORY.dump_json(history).decode())
    sent, problem = empty(outbox, teller(webhook, settings.alerts, context.log))
    told = f"{sent} messages sent"
    return dg.SkipReason(f"{told}; {problem}: it is tried again" if problem else told)


def watch(
    store: JobStore,
    outbox: Outbox,
    settings: Settings,
    history: tuple[Snapshot, ...],
    at: datetime,
) -> tuple[Snapshot, ...]:
    """Notes what is alarming now; the snapshots to remember until the next time."""
    now = snapshot(at, store.counters.read(), settings.checks.failure_rate.not_ours)
    alarming = settings.alerts
    history = remembered(history, now, alarming.failure_window)
    depths, living = store.depths.waiting(), store.depths.living()
    waiting = traffic(depths, living, store.limits.read(), settings.worker)
    outbox.note(*too_many_failures(history[0], now, alarming), *no_capacity(waiting, at, alarming))
    return history


def empty(outbox: Outbox, send: Send) -> tuple[int, str | None]:
    """Sends what is due, then what was noted; how many messages were taken, and why one was not.

    A receiver that is away is asked once, and what is noted meanwhile is put into messages when it
    is back: few and long ones. A message that it refuses keeps no other from it.
    """
    outbox.forget()
    ends, sent, problem, is_more = time.monotonic() + LONGEST, 0, None, True
    while time.monotonic() < ends:
        match outbox.send_next(send):
            case "sent":
                sent += 1
            case "none due":
                if not is_more:
                    break
                is_more = outbox.bundle()
            case NotTaken() as answer:
                problem = answer.why
                if not answer.is_refusal:
                    break
    return sent, problem


def teller(webhook: Webhook, settings: AlertSettings, log: logging.Logger) -> Send:
    """How a message is told: by webhook where there is one, else in the log."""

    def tell(message: Message) -> NotTaken | None:
        if message.kind not in settings.kinds:
            return None
        if webhook.is_set:
            return webhook.send(message)
        for notice in message.notices:
            log.warning("%s: %s", message.kind, notice.alert.told)
        return None

    return tell
