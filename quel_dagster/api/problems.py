"""What a caller is told when a request cannot be served: one shape of JSON, and never a trace.

Which errors mean which status is decided here, for every route alike.
"""

import logging
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ExceptionHandler

from quel_dagster.model.errors import InvalidJob, NoCredits, Unavailable

RETRY_AFTER = {"Retry-After": "5"}
"""Seconds: PostgreSQL restarts in a few, and one who asks more often only waits in the queue."""
AWAY = "a service behind this one is away; try again, an order under the same Idempotency-Key"

log = logging.getLogger(__name__)


class Problem(Exception):
    """A request that is answered with an error.

    Args:
        status: of HTTP.
        message: what is wrong and what is expected instead.
        field: where in the request, as a path such as `job_input_data.combinations[1].quantity`.
        headers: of the answer.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, message, field)
        self.status = status
        self.message = message
        self.field = field
        self.headers = headers

    def answer(self) -> JSONResponse:
        """The answer."""
        error = {"field": self.field, "message": self.message}
        return JSONResponse({"error": error}, self.status, self.headers)


def problem_of(error: Exception) -> Problem:
    """What an error means to the caller; one that nobody foresaw tells nothing of itself."""
    match error:
        case Problem():
            return error
        case InvalidJob():
            return Problem(422, error.problem, field=error.field)
        case NoCredits():
            return Problem(402, str(error))
        case Unavailable():
            return Problem(503, AWAY, headers=RETRY_AFTER)
        case HTTPException():
            return Problem(error.status_code, error.detail, headers=error.headers)
        case _:
            return Problem(500, "something went wrong here; the log of the API tells what")


async def tell(_request: Request, error: Exception) -> Response:
    """Answers with the problem that an error is."""
    if isinstance(error, Unavailable):
        log.warning("%s", error)
    return problem_of(error).answer()


async def tell_nobody(_request: Request, _error: Exception) -> Response:
    """The caller has hung up; what is returned goes nowhere."""
    return Response(status_code=400)


HANDLERS: dict[type[Exception] | int, ExceptionHandler] = {
    **dict.fromkeys((Problem, InvalidJob, NoCredits, Unavailable, HTTPException, Exception), tell),
    ClientDisconnect: tell_nobody,
}
"""By type of error, for the application."""
