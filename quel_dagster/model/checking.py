"""The section `checks` of the configuration: when the asset checks of the overview turn red.

What a check looks at is known to `statistics.checks`.
"""

from datetime import timedelta

from pydantic import Field

from quel_dagster.model.section import Duration, Section


class CreditsCheck(Section):
    """Balances, ledger and pictures held against each other."""

    within: Duration = Field(
        default=timedelta(hours=24), description="How far back; the cost grows with it."
    )


class FailureRateCheck(Section):
    """The share of a path's jobs that failed, of those that completed or failed."""

    within: Duration = Field(default=timedelta(hours=1), description="Over how long.")
    jobs: int = Field(default=10, ge=1, description="Fewer than this prove nothing.")
    warn: float = Field(default=0.1, gt=0, le=1, description="From this share on it is a warning.")
    error: float = Field(default=0.5, gt=0, le=1, description="From this one on an error.")
    not_ours: frozenset[str] = Field(
        default=frozenset({"invalid_job", "no_credits", "refused", "stale"}),
        description="Kinds of failure that do not count, here and for the alert: the customer's, "
        "and what an operator closed.",
    )


class OldestWaitingCheck(Section):
    """The age of the oldest job that waits on a path."""

    warn: Duration = Field(
        default=timedelta(minutes=10), description="From this age on it is a warning."
    )
    error: Duration = Field(default=timedelta(hours=1), description="From this one on an error.")


class StuckJobsCheck(Section):
    """Jobs that are not getting on. The sweep should have seen to them long before."""

    lapsed: Duration = Field(
        default=timedelta(minutes=10), description="How long nobody may have held a job."
    )
    running: Duration = Field(
        default=timedelta(hours=2), description="How long a job may be in progress."
    )


class CheckSettings(Section):
    """The asset checks of `path_overview`."""

    credits_reconcile: CreditsCheck = CreditsCheck()
    failure_rate: FailureRateCheck = FailureRateCheck()
    oldest_waiting: OldestWaitingCheck = OldestWaitingCheck()
    stuck_jobs: StuckJobsCheck = StuckJobsCheck()
