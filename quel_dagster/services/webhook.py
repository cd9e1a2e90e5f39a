"""A message to a webhook: signed by Standard Webhooks, or as Slack takes it.

When it is sent and how often is known to the outbox and the sensor.
"""

import json
from datetime import UTC, datetime
from functools import cached_property

import httpx
from standardwebhooks import Webhook as Signer

from quel_dagster.model.alert import Message, NotTaken
from quel_dagster.model.alerting import Form

REFUSALS = frozenset({400, 413, 415, 422})
"""Answers about a message; every other one that is no success is about the receiver or the way."""
TIMEOUT = 5.0
"""Seconds for a webhook to take a message. Nobody but the sensor waits for it."""
SHOWN = 20
"""Alerts of a message that Slack shows; a longer text is cut off there."""


class Webhook:
    """An address that takes messages.

    Args:
        url: of the receiver; None where there is none. It may be a secret itself, as Slack's are,
            so no text shows it.
        secret: signs messages, `whsec_` and base64; None sends them unsigned.
        form: how a message is written.
    """

    def __init__(self, url: str | None, secret: str | None, form: Form) -> None:
        self._url = url
        self._signer = Signer(secret) if secret else None
        self._form = form

    @property
    def is_set(self) -> bool:
        """Whether there is a receiver."""
        return self._url is not None

    def send(self, message: Message) -> NotTaken | None:
        """Sends a message once; None when it was taken, else why it was not.

        Its `webhook-id` is the same at every try: a receiver that took it although the answer was
        lost can tell.
        """
        if self._url is None:
            return NotTaken(why="there is no webhook")
        body = slack(message) if self._form is Form.SLACK else plain(message)
        headers = {"content-type": "application/json", **self._signed(message, body)}
        try:
            # Nobody reads what it says beside the status, which may be endless.
            with self._client.stream("POST", self._url, content=body, headers=headers) as answer:
                status = answer.status_code
        except httpx.HTTPError as error:
            return NotTaken(why=f"the webhook cannot be reached ({type(error).__name__})")
        if answer.is_success:
            return None
        return NotTaken(why=f"the webhook answered {status}", is_refusal=status in REFUSALS)

    @cached_property
    def _client(self) -> httpx.Client:
        """One for all messages, as it reads the system's certificates; it keeps no connection."""
        return httpx.Client(timeout=TIMEOUT, limits=httpx.Limits(max_keepalive_connections=0))

    def _signed(self, message: Message, body: str) -> dict[str, str]:
        now = datetime.now(UTC)
        names = {
            "webhook-id": f"msg_{message.id}",
            "webhook-timestamp": str(int(now.timestamp())),
        }
        if self._signer is None:
            return names
        signature = self._signer.sign(msg_id=names["webhook-id"], timestamp=now, data=body)
        return {**names, "webhook-signature": signature}


def plain(message: Message) -> str:
    """The message as JSON: `type`, `timestamp`, and `data` with the path and its alerts."""
    alerts = [
        {
            "event": notice.alert.event,
            "told": notice.alert.told,
            "job_id": str(notice.alert.job_id) if notice.alert.job_id else None,
            "noted_at": notice.noted_at.astimezone(UTC).isoformat(),
        }
        for notice in message.notices
    ]
    document = {
        "type": message.kind,
        "timestamp": message.notices[0].noted_at.astimezone(UTC).isoformat(),
        "data": {"path": message.path or None, "alerts": alerts},
    }
    return json.dumps(document, ensure_ascii=False)


def slack(message: Message) -> str:
    """The message as Slack's incoming webhooks take it, the first alerts as a list."""
    lines = [f"• {escaped(notice.alert.told)}" for notice in message.notices[:SHOWN]]
    more = len(message.notices) - SHOWN
    if more > 0:
        lines.append(f"… and {more} more")
    where = f" on {message.path}" if message.path else ""
    heading = f"*{message.kind.replace('_', ' ')}*{where}"
    return json.dumps({"text": "\n".join([heading, *lines])}, ensure_ascii=False)


def escaped(text: str) -> str:
    """The text with the three characters replaced that mean something to Slack."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
