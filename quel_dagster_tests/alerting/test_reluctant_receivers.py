"""Receivers that are away or refuse: no message is lost, and all are told soon afterwards."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from quel_dagster.alerting.sensor import empty
from quel_dagster.model.alert import Message, NotTaken
from quel_dagster.model.alerting import Form
from quel_dagster.services.outbox import Outbox, alert_message, pause
from quel_dagster.services.webhook import Webhook
from quel_dagster_tests.alerting.receiver import Receiver, receiver
from quel_dagster_tests.alerting.test_outbox import due_now, events, failure


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
