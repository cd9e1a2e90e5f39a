"""The outbox: no alert is lost or doubled, whatever the receiver and the senders do."""

import base64
import json
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from standardwebhooks import Webhook as Verifier

from quel_dagster.alerting.sensor import empty, teller
from quel_dagster.model.alert import Alert, AlertKind, Message, NotTaken
from quel_dagster.model.alerting import AlertSettings, Form
from quel_dagster.services.outbox import Outbox, alert_message, pause
from quel_dagster.services.webhook import Webhook
from quel_dagster_tests.alerting.receiver import Receiver, receiver

SECRET = f"whsec_{base64.b64encode(b'of this test').decode()}"


@pytest.fixture
def outbox(engine: sa.Engine) -> Outbox:
    return Outbox(engine)


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as listening:
        yield listening


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


@pytest.mark.parametrize("status", [404, 500, 302])
def test_a_receiver_that_refuses_is_asked_again_later_under_the_same_id(
    outbox: Outbox, engine: sa.Engine, hook: Receiver, status: int
) -> None:
    webhook = Webhook(hook.url, None, Form.JSON)
    sent: list[str] = []

    def send(message: Message) -> NotTaken | None:
        sent.append(str(message.id))
        return webhook.send(message)

    hook.status = status
    outbox.note(failure(1))
    assert empty(outbox, send) == (0, f"the webhook answered {status}")
    assert empty(outbox, send) == (0, None)
    hook.status = 204
    due_now(engine)
    assert empty(outbox, send) == (1, None)
    assert sent[0] == sent[1]
    assert events(hook) == ["job_failed/fashion/1"]


def test_an_unreachable_receiver_loses_nothing_and_its_address_stays_secret(
    outbox: Outbox, engine: sa.Engine
) -> None:
    with receiver() as gone:
        url = gone.url
    webhook = Webhook(url, None, Form.JSON)
    outbox.note(failure(1))
    assert empty(outbox, webhook.send) == (0, "the webhook cannot be reached (ConnectError)")
    with engine.connect() as connection:
        row = connection.execute(sa.select(alert_message)).one()
    assert (row.tries, row.sent_at) == (1, None)
    assert row.next_try_at > row.made_at
    assert "secret" not in row.last_error


def test_what_a_receiver_says_beside_its_status_does_not_matter(
    outbox: Outbox, hook: Receiver
) -> None:
    hook.status, hook.promised = 200, 1000
    outbox.note(failure(1))
    assert empty(outbox, Webhook(hook.url, None, Form.JSON).send) == (1, None)


def test_failures_noted_while_a_receiver_is_away_become_few_messages(
    outbox: Outbox, engine: sa.Engine, hook: Receiver
) -> None:
    webhook = Webhook(hook.url, None, Form.JSON)
    hook.status = 503
    for tick in range(12):
        outbox.note(*(failure(10 * tick + number) for number in range(10)))
        empty(outbox, webhook.send)
        if tick % 4:
            due_now(engine)
    assert hook.asked == 12, "it is asked once a tick"
    hook.status = 204
    due_now(engine)
    sent, _ = empty(outbox, webhook.send)
    assert sent <= 5
    assert sorted(events(hook)) == sorted(failure(number).event for number in range(120))


def test_a_message_that_is_refused_keeps_no_other_waiting(
    outbox: Outbox, engine: sa.Engine, hook: Receiver
) -> None:
    webhook = Webhook(hook.url, None, Form.JSON)

    def send(message: Message) -> NotTaken | None:
        hook.status = 413 if message.path == "eats" else 204
        return webhook.send(message)

    outbox.note(*(failure(number, path) for number in range(3) for path in ("eats", "fashion")))
    outbox.note(failure(3, "cinema"))
    assert empty(outbox, send) == (2, "the webhook answered 413")
    assert {event.split("/")[1] for event in events(hook)} == {"fashion", "cinema"}
    due_now(engine)
    outbox.note(failure(4, "beauty"))
    assert empty(outbox, send) == (1, "the webhook answered 413")
    assert empty(outbox, send) == (0, None)


def test_the_pause_grows_to_what_a_late_alert_may_be_or_to_an_hour() -> None:
    away, refusal = NotTaken(why="away"), NotTaken(why="no", is_refusal=True)
    seconds = [timedelta(seconds=number) for number in (5, 10, 15, 15)]
    assert [pause(tries, away) for tries in range(4)] == seconds
    assert pause(10_000, away) == timedelta(seconds=15)
    assert [pause(tries, refusal) for tries in (0, 3)] == [timedelta(seconds=n) for n in (5, 40)]
    assert pause(10_000, refusal) == timedelta(hours=1)


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
