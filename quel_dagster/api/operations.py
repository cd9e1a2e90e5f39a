"""Every route as a caller knows it: what it takes, and every answer it may give.

How that becomes a document or a page is known to `openapi` and `page`; what the routes do, to them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from quel_dagster.api.shapes import (
    EXAMPLE_JOB,
    Cancelled,
    Error,
    Health,
    JobRow,
    NewOrder,
    NotCancelled,
    Placed,
    Ready,
    Ring,
    Rung,
)

Json = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a status means, and the shape of its JSON; None for plain text."""

    about: str
    shapes: tuple[type[BaseModel], ...] = ()


def wrong(about: str) -> Answer:
    """An error in the one shape all have."""
    return Answer(about=about, shapes=(Error,))


CALLER = {
    401: wrong("the token is missing or wrong"),
    403: wrong("without a token: called from elsewhere than this machine"),
}
BODY = {
    400: wrong("the body is no JSON"),
    408: wrong("the body did not arrive in time"),
    413: wrong("the body is too large"),
    422: wrong("a field is wrong; the field is named"),
}
AWAY = {503: wrong("PostgreSQL is away, or too much is asked at once; see Retry-After")}

JOB_ID: Json = {
    "name": "job_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "format": "uuid", "examples": [EXAMPLE_JOB]},
}
KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Any text of the caller's, new for each order. A request repeated under it "
    "finds the job of the first one, however that was answered; another order is refused.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    summary: str
    about: str
    answers: Mapping[int, Answer]
    takes: type[BaseModel] | None = None
    parameters: Sequence[Json] = field(default_factory=list[Json])
    is_open: bool = False


OPERATIONS = (
    Operation(
        method="post",
        path="/api/jobs",
        summary="Place an order",
        about="Checks the order, the payer and the balance, writes the photo and its job, and "
        "rings. Nothing is charged before a picture is delivered.",
        takes=NewOrder,
        parameters=[KEY],
        answers={
            201: Answer(about="placed", shapes=(Placed,)),
            200: Answer(about="placed before, under the same key", shapes=(Placed,)),
            402: wrong("the balance does not cover the pictures"),
            **CALLER,
            **BODY,
            **AWAY,
        },
    ),
    Operation(
        method="get",
        path="/api/jobs/{job_id}",
        summary="See a job",
        about="The columns of its row, as they stand.",
        parameters=[JOB_ID],
        answers={
            200: Answer(about="the job", shapes=(JobRow,)),
            404: wrong("there is no such job"),
            **CALLER,
            **AWAY,
        },
    ),
    Operation(
        method="post",
        path="/api/jobs/{job_id}/cancel",
        summary="Cancel a job",
        about="A waiting job ends at once, a running one before its next picture. Pictures that "
        "were delivered stay, and stay charged. Takes no body.",
        parameters=[JOB_ID],
        answers={
            200: Answer(about="cancelled, or ended already", shapes=(Cancelled, NotCancelled)),
            404: wrong("there is no such job"),
            **CALLER,
            **AWAY,
        },
    ),
    *(
        Operation(
            method="post",
            path=path,
            summary="Ring for a job",
            about="For callers that write the rows themselves: the job begins now and not only "
            "when it is found by its age. A job that does not wait is left alone.",
            takes=Ring,
            answers={
                200: Answer(about="what became of it", shapes=(Rung,)),
                **CALLER,
                **BODY,
                **AWAY,
            },
        )
        for path in ("/enqueue", "/api/enqueue")
    ),
    Operation(
        method="get",
        path="/health",
        summary="Is the process alive?",
        about="Asks nothing else.",
        answers={200: Answer(about="it is", shapes=(Health,))},
        is_open=True,
    ),
    Operation(
        method="get",
        path="/ready",
        summary="Can it serve?",
        about="It needs PostgreSQL. Without Redis it serves too, and jobs only begin later.",
        answers={
            200: Answer(about="it can", shapes=(Ready,)),
            503: Answer(about="it cannot", shapes=(Ready, Error)),
        },
        is_open=True,
    ),
    Operation(
        method="get",
        path="/metrics",
        summary="Figures for Prometheus",
        about="Depths, ends, waits and back ends of this moment.",
        answers={200: Answer(about="the figures, as plain text"), **CALLER},
    ),
)
