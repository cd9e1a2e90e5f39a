"""What became of a wish to cancel a job, as the store answers it.

How a job ends is `status`; who may ask is not decided here.
"""

from dataclasses import dataclass
from enum import StrEnum

from quel_dagster.model.status import JobStatus


class Answer(StrEnum):
    """What the wish met."""

    CANCELLED = "cancelled"
    """The job waited; it is final now."""
    STOPPING = "stopping"
    """A run of ours holds the job and will stop before its next picture."""
    ELSEWHERE = "elsewhere"
    """Another system works on the job; only the flag in Redis reaches it."""
    FINAL = "final"
    """The job had ended before."""
    UNKNOWN = "unknown"
    """There is no such job."""


@dataclass(frozen=True, kw_only=True)
class Cancellation:
    """The answer, and how the job stands: its status, and its pictures delivered and ordered."""

    answer: Answer
    status: JobStatus | None = None
    delivered: int = 0
    ordered: int = 0

    @property
    def is_heeded(self) -> bool:
        """Whether the job is cancelled, or will be as far as pictures are left to make."""
        return self.answer in {Answer.STOPPING, Answer.ELSEWHERE} or self.status in {
            JobStatus.CANCELLED,
            JobStatus.USER_CANCELLED,
        }
