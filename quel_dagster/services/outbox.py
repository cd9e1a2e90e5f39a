"""The outbox of alerts: noted where they happen, bundled into messages, kept until one was taken.

What is alarming is decided elsewhere; how a message is sent is known to `alerting`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from quel_dagster.model.alert import Alert, AlertKind, Message, Notice, NotTaken
from quel_dagster.services.database import reaching_postgres

NOW = sa.func.clock_timestamp()
BUNDLED_AT_ONCE = 5000
EVENTS_PER_MESSAGE = 100
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(seconds=15)
"""Between two tries of a message while its receiver is away: all is told soon after it is back."""
LONGEST_REFUSAL = timedelta(hours=1)
"""Between two tries of a message that the receiver does not want."""
COUNTED = 10_000
"""Untold alerts are counted up to here: index entries, a few milliseconds."""
KEPT = timedelta(days=30)
FORGOTTEN_AT_ONCE = 100

_metadata = sa.MetaData()
_time = sa.DateTime(timezone=True)

alert_message = sa.Table(
    "alert_message",
    _metadata,
    sa.Column("message_id", sa.Uuid, primary_key=True, server_default=sa.FetchedValue()),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("made_at", _time, nullable=False, server_default=sa.FetchedValue()),
    sa.Column("tries", sa.Integer, nullable=False, server_default=sa.FetchedValue()),
    sa.Column("next_try_at", _time, nullable=False, server_default=sa.FetchedValue()),
    sa.Column("sent_at", _time),
    sa.Column("last_error", sa.Text),
    schema="quel",
)

alert = sa.Table(
    "alert",
    _metadata,
    sa.Column("event", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("told", sa.Text, nullable=False),
    sa.Column("job_id", sa.Uuid),
    sa.Column("noted_at", _time, nullable=False, server_default=sa.FetchedValue()),
    sa.Column("message_id", sa.Uuid),
    schema="quel",
)

Send = Callable[[Message], NotTaken | None]
"""Sends a message; None when it was taken, else why it was not."""


@dataclass(frozen=True, kw_only=True)
class Untold:
    """How many alerts nobody has taken yet, `COUNTED` means or more, and the age of the oldest."""

    count: int
    oldest: timedelta


def note(tx: sa.Connection, *alerts: Alert) -> None:
    """Notes alerts in the transaction in which they happen; those noted before stay as they are."""
    rows = [
        {
            "event": each.event,
            "kind": each.kind,
            "path": each.path,
            "told": each.told,
            "job_id": each.job_id,
        }
        for each in alerts
    ]
    if rows:
        tx.execute(insert(alert).values(rows).on_conflict_do_nothing())


class Outbox:
    """The alerts that are still to be told. Every verb raises `Unavailable` without PostgreSQL.

    Args:
        engine: of the database.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def note(self, *alerts: Alert) -> None:
        """Notes alerts that happen in no transaction."""
        with reaching_postgres(), self._engine.begin() as tx:
            note(tx, *alerts)

    def bundle(self) -> bool:
        """Puts what was noted into messages, a kind and path each; whether there may be more.

        A flood of failures so becomes a few messages that name them all.
        """
        waiting = (
            sa.select(alert.c.event, alert.c.kind, alert.c.path)
            .where(alert.c.message_id.is_(None))
            .order_by(alert.c.noted_at)
            .limit(BUNDLED_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        with reaching_postgres(), self._engine.begin() as tx:
            rows = sorted(tx.execute(waiting).all(), key=lambda row: (row.kind, row.path))
            groups = [
                (kind, path, [row.event for row in group])
                for (kind, path), group in groupby(rows, key=lambda row: (row.kind, row.path))
            ]
            bundles = [
                (kind, path, events[start : start + EVENTS_PER_MESSAGE])
                for kind, path, events in groups
                for start in range(0, len(events), EVENTS_PER_MESSAGE)
            ]
            for kind, path, events in bundles:
                made = insert(alert_message).values(kind=kind, path=path)
                message_id = tx.scalar(made.returning(alert_message.c.message_id))
                these = sa.update(alert).where(alert.c.event.in_(events))
                tx.execute(these.values(message_id=message_id))
        return len(rows) == BUNDLED_AT_ONCE

    def send_next(self, send: Send) -> Literal["sent", "none due"] | NotTaken:
        """Sends a message that is due, unless another sender is at it; what came of it.

        One that was tried less often goes first. It is held by a row lock while it is sent, so
        that no two senders send it; a sender that dies leaves it to the next one. A message that
        was not taken is tried again after a pause that doubles, without end.
        """
        due = (
            sa.select(alert_message)
            .where(alert_message.c.sent_at.is_(None), alert_message.c.next_try_at <= NOW)
            .order_by(alert_message.c.tries, alert_message.c.next_try_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        with reaching_postgres(), self._engine.begin() as tx:
            row = tx.execute(due).one_or_none()
            if row is None:
                return "none due"
            problem = send(self._message(tx, row))
            result = (
                {"sent_at": NOW, "last_error": None}
                if problem is None
                else {"next_try_at": NOW + pause(row.tries, problem), "last_error": problem.why}
            )
            this = sa.update(alert_message).where(alert_message.c.message_id == row.message_id)
            tx.execute(this.values(tries=row.tries + 1, **result))
        return problem or "sent"

    def untold(self) -> Untold:
        """What is still to be told; much or old where a receiver is away or nobody sends."""
        loose = sa.select(alert.c.noted_at).where(alert.c.message_id.is_(None))
        unsent = (
            sa.select(alert.c.noted_at)
            .join(alert_message, alert_message.c.message_id == alert.c.message_id)
            .where(alert_message.c.sent_at.is_(None))
        )
        some = [
            each.order_by(alert.c.noted_at).limit(COUNTED).subquery() for each in (loose, unsent)
        ]
        every = sa.union_all(*(sa.select(each) for each in some)).subquery()
        age = NOW - sa.func.min(every.c.noted_at)
        with reaching_postgres(), self._engine.connect() as connection:
            row = connection.execute(sa.select(sa.func.count(), age).select_from(every)).one()
        return Untold(count=min(row[0], COUNTED), oldest=row[1] or timedelta(0))

    def forget(self) -> None:
        """Removes messages, with their alerts, that were sent long ago."""
        old = (
            sa.select(alert_message.c.message_id)
            .where(alert_message.c.sent_at < NOW - KEPT)
            .limit(FORGOTTEN_AT_ONCE)
        )
        with reaching_postgres(), self._engine.begin() as tx:
            tx.execute(sa.delete(alert_message).where(alert_message.c.message_id.in_(old)))

    def _message(self, tx: sa.Connection, row: sa.Row[tuple[object, ...]]) -> Message:
        of_message = alert.c.message_id == row.message_id
        rows = tx.execute(sa.select(alert).where(of_message).order_by(alert.c.noted_at)).all()
        return Message(
            id=row.message_id,
            kind=AlertKind(row.kind),
            path=row.path,
            tries=row.tries,
            notices=_notices(rows),
        )


def pause(tries: int, problem: NotTaken) -> timedelta:
    """How long a message rests that was tried so often before and has just not been taken."""
    longest = LONGEST_REFUSAL if problem.is_refusal else LONGEST_PAUSE
    return min(FIRST_PAUSE * 2 ** min(tries, 16), longest)


def _notices(rows: Sequence[sa.Row[tuple[object, ...]]]) -> tuple[Notice, ...]:
    return tuple(
        Notice(
            alert=Alert(
                event=row.event,
                kind=AlertKind(row.kind),
                path=row.path,
                told=row.told,
                job_id=row.job_id,
            ),
            noted_at=row.noted_at,
        )
        for row in rows
    )
