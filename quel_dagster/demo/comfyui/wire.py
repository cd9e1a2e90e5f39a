"""What travels: JSON values, the clock as ComfyUI writes it, and its answer to a broken request."""

import json
import time
from typing import cast

from aiohttp import web

Json = dict[str, object]


def now() -> int:
    """The time in milliseconds, as every ComfyUI timestamp is."""
    return int(time.time() * 1000)


def trouble() -> web.HTTPInternalServerError:
    """The answer to whatever a handler stumbles over; often it is the caller's fault."""
    return web.HTTPInternalServerError(
        text="500 Internal Server Error\n\nServer got itself in trouble"
    )


async def body(request: web.Request) -> Json:
    """The request's JSON object, whatever its Content-Type says.

    Raises:
        HTTPInternalServerError: it is not JSON, or not an object.
    """
    try:
        value = cast("object", json.loads(await request.text()))
    except ValueError as error:
        raise trouble() from error
    if not isinstance(value, dict):
        raise trouble()
    return cast("Json", value)
