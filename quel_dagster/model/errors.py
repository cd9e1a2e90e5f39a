"""Everything that can go wrong with a job, and what a repeat of it would help.

The family is decided here once; whoever catches one of these reads `remedy` and never the text.

* QuelError
  - ConfigurationError       the operator's settings are wrong
  - InvalidJob               the order is wrong
  - NoCredits                the payer cannot pay
  - TicketLost               another attempt has taken over
  - RenderError
    - PromptRefused          ComfyUI will never run this graph
    - RenderFailed           this picture's render failed
    - RenderLost             the back end restarted and forgot it
    - RenderStopped          somebody asked to stop it
  - BackendAway              no ComfyUI server could take or finish the picture in time
    - BackendSilent          a server took the picture and does nothing with it
    - BackendsBusy           every server that answers was full for too long
  - StorageAway              S3 could not be reached
  - Unavailable              another service (PostgreSQL, Redis) could not be reached
"""

import re
from enum import StrEnum
from typing import ClassVar


class Remedy(StrEnum):
    """What another try would change."""

    NONE = "none"
    """Nothing: the same input fails the same way for ever."""
    SLOT = "slot"
    """The same picture may succeed when it is rendered again."""
    LATER = "later"
    """The whole attempt may succeed after a pause."""
    TURN = "turn"
    """The attempt never had its turn: nothing was tried, so it does not count as tried."""
    YIELD = "yield"
    """Nothing may be written any more: the job belongs to another attempt."""


class QuelError(Exception):
    """Something went wrong with a job."""

    remedy: ClassVar[Remedy] = Remedy.NONE

    def __str__(self) -> str:
        return ", ".join(map(str, self.args)) or (type(self).__doc__ or "")


class ConfigurationError(QuelError):
    """A setting is missing or wrong."""


class InvalidJob(QuelError):
    """The order cannot be served as it was written.

    Args:
        field: where in the order, as a path in its JSON such as `combinations[1].quantity`.
        problem: what is wrong with it and what is expected instead.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(field, problem)
        self.field = field
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}"


class NoCredits(QuelError):
    """The payer's balance does not cover the picture."""


class TicketLost(QuelError):
    """Another attempt has taken the job over; this one may write nothing more."""

    remedy = Remedy.YIELD


class RenderError(QuelError):
    """ComfyUI did not make the picture."""


class PromptRefused(RenderError):
    """ComfyUI refused the graph; it will refuse it again."""


class RenderFailed(RenderError):
    """The render ended with an error or was interrupted."""

    remedy = Remedy.SLOT


class RenderLost(RenderError):
    """The ComfyUI server no longer knows the prompt: it restarted or was cleared."""

    remedy = Remedy.SLOT


class RenderStopped(RenderError):
    """The render was stopped on request."""


class BackendAway(QuelError):
    """No ComfyUI server could take or finish the picture in time."""

    remedy = Remedy.LATER


class BackendSilent(BackendAway):
    """A ComfyUI server took the prompt and does nothing with it, although it answers."""


class BackendsBusy(BackendAway):
    """The ComfyUI servers that answer were full for as long as a picture may wait."""

    remedy = Remedy.TURN


class StorageAway(QuelError):
    """S3 could not be reached or refused the request."""

    remedy = Remedy.LATER


class Unavailable(QuelError):
    """PostgreSQL or Redis could not be reached."""

    remedy = Remedy.LATER


def kind_of(error: BaseException | None) -> str:
    """An error's kind as statistics name it: `no_credits`, `backend_away`; else `unforeseen`."""
    if not isinstance(error, QuelError):
        return "unforeseen"
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()
