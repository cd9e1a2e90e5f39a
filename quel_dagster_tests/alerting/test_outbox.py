"""The outbox: no alert is lost or doubled, whatever the receiver and the senders do."""

import base64
import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from standardwebhooks import Webhook as Verifier

from quel_dagster.alerting.sensor import empty, teller
from quel_dagster.model.alert import Alert, AlertKind, Message, NotTaken
from quel_dagster.model.alerting import AlertSettings, Form
from quel_dagster.services.outbox import Outbox, alert, alert_message
from quel_dagster.services.webhook import Webhook
from quel_dagster_tests.alerting.receiver import Receiver

SECRET = f"whsec_{base64.b64encode(b'of this test').decode()}"


def failure(number: int, path: str = "fashion") -> Alert:
    kind = AlertKind.JOB_FAILED
    return Alert(event=f"{kind}/{path}/{number}", kind=kind, path=path, told=f"no. {number} <&>")


def due_now(engine: sa.Engine) -> None:
    """As if the pause before the next try were over."""
    with engine.begin() as tx:
        tx.execute(sa.update(alert_message).values(next_try_at=sa.func.clock_timestamp()))


def events(hook: Receiver) -> list[str]:
    bodies = [json.loads(body) for _, body in hook.taken]
    return [alert["event"] for body in bodies for alert in body["data"]["alerts"]]


def test_an_alert_noted_twice_is_told_once(outbox: Outbox, hook: Receiver) -> None:
    webhook = Webhook(hook.url, None, Form.JSON)
    outbox.note(failure(1), failure(2))
    outbox.note(failure(1))
    assert empty(outbox, webhook.send) == (1, None)
    outbox.note(failure(2))
    assert empty(outbox, webhook.send) == (0, None)
    assert events(hook) == ["job_failed/fashion/1", "job_failed/fashion/2"]


def test_a_message_is_signed_as_standard_webhooks_says(outbox: Outbox, hook: Receiver) -> None:
    outbox.note(failure(1))
    empty(outbox, Webhook(hook.url, SECRET, Form.JSON).send)
    ((headers, body),) = hook.taken
    document = Verifier(SECRET).verify(body, headers)
    assert (document["type"], document["data"]["path"]) == ("job_failed", "fashion")
    assert document["data"]["alerts"][0]["told"] == "no. 1 <&>"


def test_slack_is_told_in_its_own_form(outbox: Outbox, hook: Receiver) -> None:
    outbox.note(*(failure(number) for number in range(23)))
    empty(outbox, Webhook(hook.url, None, Form.SLACK).send)
    ((_, body),) = hook.taken
    lines = json.loads(body)["text"].splitlines()
    assert lines[:2] == ["*job failed* on fashion", "• no. 0 &lt;&amp;&gt;"]
    assert lines[-1] == "… and 3 more"


def test_two_senders_never_send_the_same_message(outbox: Outbox, hook: Receiver) -> None:
    hook.pause = 0.02
    webhook = Webhook(hook.url, None, Form.JSON)
    outbox.note(*(failure(1, path=f"path-{number}") for number in range(20)))
    with ThreadPoolExecutor(4) as senders:
        sending = [senders.submit(empty, outbox, webhook.send) for _ in range(4)]
    assert sum(each.result()[0] for each in sending) == 20
    assert len(events(hook)) == len(set(events(hook))) == 20


def test_a_sender_that_dies_leaves_its_message_to_the_next(outbox: Outbox, hook: Receiver) -> None:
    def die(_message: Message) -> NotTaken | None:
        raise KeyboardInterrupt

    outbox.note(failure(1))
    outbox.bundle()
    with pytest.raises(KeyboardInterrupt):
        outbox.send_next(die)
    assert empty(outbox, Webhook(hook.url, None, Form.JSON).send) == (1, None)
    assert events(hook) == ["job_failed/fashion/1"]


def test_a_flood_becomes_few_messages_that_name_every_failure(
    outbox: Outbox, hook: Receiver
) -> None:
    outbox.note(*(failure(number) for number in range(1500)))
    assert empty(outbox, Webhook(hook.url, None, Form.JSON).send) == (15, None)
    assert sorted(events(hook)) == sorted(failure(number).event for number in range(1500))


def test_failures_noted_while_a_flood_is_sent_are_told_too(outbox: Outbox, hook: Receiver) -> None:
    webhook = Webhook(hook.url, None, Form.JSON)
    stop = threading.Event()

    def fail() -> int:
        number = 0
        while not stop.is_set() and number < 400:
            outbox.note(failure(number))
            number += 1
        return number

    with ThreadPoolExecutor(1) as jobs:
        noted = jobs.submit(fail)
        for _ in range(5):
            empty(outbox, webhook.send)
        stop.set()
        number = noted.result()
    empty(outbox, webhook.send)
    assert sorted(events(hook)) == sorted(failure(each).event for each in range(number))


def test_without_a_receiver_the_log_tells(outbox: Outbox, caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("alerts")
    outbox.note(failure(1))
    assert empty(outbox, teller(Webhook(None, None, Form.JSON), AlertSettings(), log)) == (1, None)
    assert caplog.messages == ["job_failed: no. 1 <&>"]


def test_a_kind_that_nobody_wants_is_kept_quiet(outbox: Outbox, hook: Receiver) -> None:
    settings = AlertSettings(kinds=frozenset({AlertKind.CHECK_FAILED}))
    outbox.note(failure(1))
    log = logging.getLogger("alerts")
    assert empty(outbox, teller(Webhook(hook.url, None, Form.JSON), settings, log)) == (1, None)
    assert hook.asked == 0


def test_what_is_untold_is_counted_with_its_age(
    outbox: Outbox, engine: sa.Engine, hook: Receiver
) -> None:
    assert (outbox.untold().count, outbox.untold().oldest) == (0, timedelta(0))
    webhook = Webhook(hook.url, None, Form.JSON)
    hook.status = 503
    outbox.note(failure(1), failure(2))
    empty(outbox, webhook.send)
    outbox.note(failure(3))
    with engine.begin() as tx:
        hour_ago = sa.func.clock_timestamp() - timedelta(hours=1)
        this = alert.c.event == failure(2).event
        tx.execute(sa.update(alert).where(this).values(noted_at=hour_ago))
    assert outbox.untold().count == 3
    assert timedelta(hours=1) <= outbox.untold().oldest < timedelta(hours=1, minutes=5)
    hook.status = 204
    due_now(engine)
    empty(outbox, webhook.send)
    assert outbox.untold().count == 0
