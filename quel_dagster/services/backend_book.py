"""What all processes know of the ComfyUI servers they share, in PostgreSQL: places and quarantine.

How a server is asked lies in `comfyui.server`; when one is chosen or sick, in `comfyui.backends`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from quel_dagster.model.alert import Alert, AlertKind
from quel_dagster.model.job import Ticket
from quel_dagster.model.status import Phase
from quel_dagster.services.comfyui.address import without_password
from quel_dagster.services.database import reaching_postgres
from quel_dagster.services.outbox import note
from quel_dagster.services.statements import load
from quel_dagster.services.tables import attempt

NOW = sa.func.clock_timestamp()
FULL = 2
"""One running and one waiting: a server that never idles, and a queue that stays ours."""
SERVING = "serving"
QUARANTINED = "quarantined"
FIRST_TRIAL = timedelta(seconds=10)
LONGEST_TRIAL = timedelta(minutes=5)
"""How long a server in quarantine is left alone; each trial that it fails doubles it."""

_metadata = sa.MetaData()
_time = sa.DateTime(timezone=True)

backend = sa.Table(
    "backend",
    _metadata,
    sa.Column("url", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False, server_default=sa.FetchedValue()),
    sa.Column("since", _time, nullable=False, server_default=sa.FetchedValue()),
    sa.Column("reason", sa.Text),
    sa.Column("trials", sa.Integer, nullable=False, server_default=sa.FetchedValue()),
    sa.Column("next_trial_at", _time),
    sa.Column("model", sa.Text),
    sa.Column("seen_at", _time),
    schema="quel",
)

backend_place = sa.Table(
    "backend_place",
    _metadata,
    sa.Column("job_id", sa.Uuid, primary_key=True),
    sa.Column("slot", sa.Integer, primary_key=True),
    sa.Column("claim_id", sa.Uuid, nullable=False),
    sa.Column("prompt_id", sa.Uuid, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("taken_at", _time, nullable=False, server_default=sa.FetchedValue()),
    schema="quel",
)


@dataclass(frozen=True, kw_only=True)
class Seat:
    """A render that needs a place: whose, of which slot, and the model files that it loads."""

    ticket: Ticket
    slot: int
    prompt_id: UUID
    model: str = ""


@dataclass(frozen=True, kw_only=True)
class Look:
    """A server as it was seen: how many prompts it has, and the id of the only one."""

    url: str
    load: int
    lone: str | None = None


@dataclass(frozen=True, kw_only=True)
class BackendState:
    """What is known of a server; `is_due` when it is in quarantine and may be tried."""

    url: str
    is_quarantined: bool
    since: datetime
    reason: str | None
    is_due: bool
    model: str | None
    seen_at: datetime | None


class BackendBook:
    """Notes and looks. Every verb raises `Unavailable` when PostgreSQL cannot be reached.

    Args:
        engine: of the database.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def take(self, seat: Seat, looks: Sequence[Look], avoid: str | None = None) -> str | None:
        """Takes a place on the least loaded of the servers seen; None when none has room.

        However many processes take at once, a server has at most `FULL` prompts of ours. A place is
        free again when it is left, or when its attempt is dead.

        Args:
            seat: the render. A place that it holds elsewhere is given up for the new one.
            looks: the servers that answered a moment ago, in the operator's order.
            avoid: the address that is taken only when no other has room.
        """
        values = {
            "urls": [look.url for look in looks],
            "loads": [look.load for look in looks],
            "lone": [look.lone for look in looks],
            "most": FULL,
            "avoid": avoid,
            **_row(seat),
        }
        with reaching_postgres(), self._engine.begin() as tx:
            tx.execute(load("lock_places"))
            tx.execute(load("free_places"))
            return tx.scalar(load("take_place"), values)

    def keep(self, seat: Seat, url: str) -> None:
        """Notes the place of a render that is on a server already, full or not."""
        row = {**_row(seat), "url": url}
        kept = insert(backend_place).values(row)
        with reaching_postgres(), self._engine.begin() as tx:
            tx.execute(kept.on_conflict_do_update(index_elements=["job_id", "slot"], set_=row))

    def leave(self, seat: Seat, made_on: str | None = None) -> None:
        """Frees the place of a render; `made_on` is the server that has made its picture."""
        mine = (backend_place.c.job_id == seat.ticket.job_id) & (backend_place.c.slot == seat.slot)
        with reaching_postgres(), self._engine.begin() as tx:
            ours = backend_place.c.claim_id == seat.ticket.claim_id
            tx.execute(sa.delete(backend_place).where(mine, ours))
            if made_on is not None:
                seen = {"model": seat.model, "seen_at": NOW}
                new = insert(backend).values(url=made_on, **seen)
                tx.execute(new.on_conflict_do_update(index_elements=["url"], set_=seen))

    def places(self) -> dict[str, int]:
        """How many places the living hold on each server that has any."""
        this = (attempt.c.job_id == backend_place.c.job_id) & (
            attempt.c.claim_id == backend_place.c.claim_id
        )
        alive = (attempt.c.phase == Phase.STARTED) & (attempt.c.leased_until > NOW)
        held = (
            sa.select(backend_place.c.url, sa.func.count().label("places"))
            .join(attempt, this)
            .where(alive)
            .group_by(backend_place.c.url)
        )
        with reaching_postgres(), self._engine.connect() as connection:
            return {row.url: row.places for row in connection.execute(held)}

    def states(self) -> dict[str, BackendState]:
        """Every server that is known here, by its address."""
        is_due = sa.func.coalesce(backend.c.next_trial_at <= NOW, sa.false()).label("is_due")
        with reaching_postgres(), self._engine.connect() as connection:
            rows = connection.execute(sa.select(backend, is_due)).all()
        return {
            row.url: BackendState(
                url=row.url,
                is_quarantined=row.state == QUARANTINED,
                since=row.since,
                reason=row.reason,
                is_due=row.is_due,
                model=row.model,
                seen_at=row.seen_at,
            )
            for row in rows
        }

    def quarantine(self, url: str, reason: str) -> None:
        """No work for this server, and an alert, unless it is in quarantine already."""
        sick = {
            "state": QUARANTINED,
            "since": NOW,
            "reason": reason,
            "trials": 0,
            "next_trial_at": NOW + FIRST_TRIAL,
        }
        new = insert(backend).values(url=url, **sick)
        imposed = new.on_conflict_do_update(
            index_elements=["url"], set_=sick, where=backend.c.state != QUARANTINED
        )
        with reaching_postgres(), self._engine.begin() as tx:
            since = tx.scalar(imposed.returning(backend.c.since))
            if since is not None:
                note(tx, _alert(url, since, reason))

    def begin_trial(self, url: str) -> bool:
        """Whether the caller may try a server in quarantine; nobody else does so for a while."""
        pause = sa.func.least(FIRST_TRIAL * sa.func.power(2, backend.c.trials + 1), LONGEST_TRIAL)
        due = (backend.c.state == QUARANTINED) & (backend.c.next_trial_at <= NOW)
        begun = (
            sa.update(backend)
            .where(backend.c.url == url, due)
            .values(trials=backend.c.trials + 1, next_trial_at=NOW + pause)
        )
        with reaching_postgres(), self._engine.begin() as tx:
            return tx.execute(begun).rowcount == 1

    def release(self, url: str) -> None:
        """The server renders again, and is given work."""
        healthy = {"state": SERVING, "since": NOW, "reason": None, "next_trial_at": None}
        sick = (backend.c.url == url) & (backend.c.state == QUARANTINED)
        with reaching_postgres(), self._engine.begin() as tx:
            tx.execute(sa.update(backend).where(sick).values(healthy))


def _row(seat: Seat) -> dict[str, object]:
    return {
        "job_id": seat.ticket.job_id,
        "slot": seat.slot,
        "claim_id": seat.ticket.claim_id,
        "prompt_id": seat.prompt_id,
        "model": seat.model,
    }


def _alert(url: str, since: datetime, reason: str) -> Alert:
    name = without_password(url)
    return Alert(
        event=f"{AlertKind.BACKEND_QUARANTINED}/{name}/{since.isoformat()}",
        kind=AlertKind.BACKEND_QUARANTINED,
        told=f"ComfyUI at {name} is in quarantine: {reason}. Its pictures are made elsewhere; it "
        "is tried again by itself, and gets work when it renders.",
    )
