"""Switches for everything that can go wrong, thrown by tests and by chaos runs while it works.

`POST /stand-in/faults` replaces all switches by those it names, so `{}` turns everything off; a GET
shows those still on. `{"fail_renders": {"times": 2}}` clears itself after two failures, and
`{"fail_renders": true}` stays. A real ComfyUI server has nothing of this.
"""

from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, field_validator

from quel_dagster.demo.comfyui.wire import Json


class Fault(BaseModel):
    """A switch that is on."""

    model_config = ConfigDict(extra="forbid")

    times: NonNegativeInt | None = None
    """How often it still strikes; None for as long as it is on."""
    only: str = ""
    """It strikes only where this text occurs: in the request's path for `http_error`,
    `slow_answers` and `drop_connections`, in the prompt's `filename_prefix` for the others."""


class HttpError(Fault):
    """Answer with this status instead of working."""

    status: Literal[500, 502, 503, 504] = 503


class SlowAnswers(Fault):
    """Wait so many seconds before every answer."""

    seconds: float = Field(ge=0)


class FailRenders(Fault):
    """End with this exception, as if the sampler had raised it."""

    exception_type: str = "RuntimeError"
    message: str = "the stand-in was told to fail this render"


class Faults(BaseModel):
    """All switches; None is off."""

    model_config = ConfigDict(extra="forbid")

    refuse_prompts: Fault | None = None
    """`POST /prompt` answers 400; nothing is queued."""
    drop_prompt_reply: Fault | None = None
    """`POST /prompt` queues the prompt and never answers: the client's timeout ends the wait."""
    fail_renders: FailRenders | None = None
    """A render ends in the middle with `execution_error`."""
    hang: Fault | None = None
    """The executor dies with a prompt in hand: `execution_start`, then nothing for this or any
    later prompt, while HTTP stays green. Only a restart of the process helps."""
    die: Fault | None = None
    """The whole process exits in the middle of a render."""
    silent_websocket: Fault | None = None
    """A new websocket gets its first `status` and then nothing."""
    http_error: HttpError | None = None
    """HTTP requests are answered with a 5xx and not carried out."""
    drop_connections: Fault | None = None
    """The connection is cut without an answer and the request is not carried out."""
    slow_answers: SlowAnswers | None = None
    """Every HTTP answer is late."""
    render_seconds: float | None = Field(default=None, ge=0)
    """How long a render takes, instead of `--seconds`; read when the render begins."""

    @field_validator("*", mode="before")
    @classmethod
    def _plain(cls, value: object) -> object:
        """`true` is a switch with its defaults, `false` is none."""
        if isinstance(value, bool):
            return {} if value else None
        return value

    def on(self) -> Json:
        """The switches that are on."""
        shown: Json = self.model_dump(exclude_none=True)
        return {name: fault for name, fault in shown.items() if not _is_spent(fault)}


class Switches:
    """The switches as they stand now."""

    def __init__(self) -> None:
        self.faults = Faults()


F = TypeVar("F", bound=Fault)


def strike(fault: F | None, where: str = "") -> F | None:
    """The fault, if it is on and strikes here; one of its `times` is used up then."""
    if fault is None or fault.times == 0 or fault.only not in where:
        return None
    if fault.times is not None:
        fault.times -= 1
    return fault


def _is_spent(fault: object) -> bool:
    return isinstance(fault, dict) and fault.get("times") == 0
