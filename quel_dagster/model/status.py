"""The states of a job, its photo, its slots and its attempts, as production's enums spell them.

The named sets answer every question about a group of states; no list of states stands elsewhere.
"""

from collections.abc import Collection
from enum import StrEnum


class JobStatus(StrEnum):
    """`job_status_enum` of `quel_production_jobs`."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """Read from old rows, never written by us."""
    USER_CANCELLED = "user_cancelled"


FINAL = frozenset(
    {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.USER_CANCELLED}
)
"""A job in one of these never changes again."""


class PhotoStatus(StrEnum):
    """`production_status_enum` of `quel_production_photo`; follows from all jobs of the photo."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    USER_CANCELLED = "user_cancelled"


def photo_status(jobs: Collection[JobStatus]) -> PhotoStatus:
    """What a photo's jobs, all of them, make of the photo once one has begun (W-15)."""
    if not FINAL.issuperset(jobs):
        return PhotoStatus.PROCESSING
    if JobStatus.COMPLETED in jobs:
        return PhotoStatus.COMPLETED
    return PhotoStatus.FAILED if JobStatus.FAILED in jobs else PhotoStatus.USER_CANCELLED


class Phase(StrEnum):
    """Where a job's newest attempt stands (`quel.attempt.phase`)."""

    RESERVED = "reserved"
    """A run was asked for and has not begun."""
    STARTED = "started"
    """A run holds the job; its lease is renewed while it works."""
    WAITING = "waiting"
    """The attempt ended without closing the job; another may follow at `next_try_at`."""
    CLOSED = "closed"
    """The job is final."""


class SlotState(StrEnum):
    """Where one picture of a job stands (`quel.slot.state`)."""

    PLANNED = "planned"
    SUBMITTED = "submitted"
    DELIVERED = "delivered"
    FAILED = "failed"
