"""The section `alerts` of the configuration: what is alarming, and how it is told.

The webhook's address and secret are not here: they come from the environment.
"""

from datetime import timedelta
from enum import StrEnum

from pydantic import Field

from quel_dagster.model.alert import AlertKind
from quel_dagster.model.section import Duration, Section


class Form(StrEnum):
    """How a message to the webhook is written."""

    JSON = "json"
    """As JSON, signed where QUEL_ALERT_SECRET is set."""
    SLACK = "slack"
    """As Slack's incoming webhooks take it."""


class AlertSettings(Section):
    """What operators are told without asking, at QUEL_ALERT_WEBHOOK; without one, in the log."""

    form: Form = Field(default=Form.JSON, description="How the webhook is told: json or slack.")
    kinds: frozenset[AlertKind] = Field(
        default=frozenset(AlertKind), description="What is told; the rest is noted and kept quiet."
    )
    failure_rate: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Share of a path's ended jobs that failed, "
        "`checks.failure_rate.not_ours` aside.",
    )
    failure_window: Duration = Field(
        default=timedelta(minutes=15), description="Over how long the share is counted."
    )
    failure_jobs: int = Field(
        default=5, ge=1, description="Jobs that must have ended for a share to mean anything."
    )
    longest_wait: Duration = Field(
        default=timedelta(minutes=10),
        description="How old a waiting job of a path may grow of which none runs.",
    )
