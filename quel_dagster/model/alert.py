"""What operators are told without asking. How it reaches them is known to `alerting`."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class AlertKind(StrEnum):
    """What an alert is about, as the receiver of a webhook sees it."""

    JOB_FAILED = "job_failed"
    """A job ended without a picture; it will not be tried again."""
    FAILURE_RATE = "failure_rate"
    """Too many of a path's jobs fail."""
    NO_CAPACITY = "no_capacity"
    """Jobs of a path wait too long and none of it runs."""
    BACKEND_QUARANTINED = "backend_quarantined"
    """A ComfyUI server gets no work until it renders again."""
    CHECK_FAILED = "check_failed"
    """An asset check found something wrong."""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One event. Noted again under the same `event`, it is the same and told once.

    Attributes:
        event: what makes it this one, such as `failure_rate/fashion/2026-01-31T14`.
        path: the production path; empty where none is concerned.
        told: what happened and what to look at, a sentence or two.
    """

    event: str
    kind: AlertKind
    told: str
    path: str = ""
    job_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class Notice:
    """An alert as it was noted, with the moment."""

    alert: Alert
    noted_at: datetime


@dataclass(frozen=True, kw_only=True)
class Message:
    """Alerts of one kind and path that are told together; its id is the same at every try."""

    id: UUID
    kind: AlertKind
    path: str
    tries: int
    notices: tuple[Notice, ...]


@dataclass(frozen=True, kw_only=True)
class NotTaken:
    """Why a receiver did not take a message.

    Attributes:
        why: in words that hold no secret.
        is_refusal: it does not want this message; else it would take none now.
    """

    why: str
    is_refusal: bool = False
