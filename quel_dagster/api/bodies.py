"""Reading a request's body: within its size and its time, and only what PostgreSQL can keep.

What the JSON means is read in `shapes` and by the parser of orders.
"""

import json
import math
from collections.abc import Iterator
from typing import NoReturn, TypeVar

import anyio
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from starlette.requests import Request

from quel_dagster.api.problems import Problem

PATIENCE = 30.0
"""Seconds in which a body must have arrived."""
DEEPEST = 100
"""Levels of nesting; an order has four."""

Shape = TypeVar("Shape", bound=BaseModel)


async def read_body(request: Request, largest: int) -> bytes:
    """The whole body.

    Args:
        request: whose body nobody has read yet.
        largest: the most bytes.

    Raises:
        Problem: it is larger, or did not arrive in time.
    """
    body = bytearray()
    try:
        with anyio.fail_after(PATIENCE):
            async for chunk in request.stream():
                body += chunk
                if len(body) > largest:
                    raise Problem(413, f"the body is larger than {largest} bytes")
    except TimeoutError:
        raise Problem(408, f"the body did not arrive within {PATIENCE:g} s") from None
    return bytes(body)


def read_shape(shape: type[Shape], body: bytes) -> Shape:
    """The body as what a route expects.

    Raises:
        Problem: it is no JSON (400), or not of that shape (422, with the field).
    """
    document = read_json(body)
    try:
        return shape.model_validate(document)
    except ValidationError as error:
        raise in_words(error.errors()[0]) from None


def read_json(body: bytes) -> object:
    """A JSON document of any kind that a `jsonb` column can hold.

    Raises:
        Problem: it is none.
    """
    try:
        document: object = json.loads(body, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        said = str(error) or type(error).__name__
        raise Problem(400, f"the body must be JSON: {said[:200]}") from None
    for depth, value in _values(document):
        if depth > DEEPEST:
            raise Problem(422, f"nested more than {DEEPEST} levels deep")
        if isinstance(value, str) and not _is_storable(value):
            raise Problem(422, "a text holds NUL or half of a surrogate pair")
    return document


def in_words(found: ErrorDetails) -> Problem:
    """The first thing that is wrong with a body, with its field."""
    field = "".join(f"[{at}]" if isinstance(at, int) else f".{at}" for at in found["loc"])
    message = found["msg"].removeprefix("Value error, ")
    if found["type"] == "extra_forbidden":
        message = "unknown field; remove it or correct its spelling"
    return Problem(422, message[:1].lower() + message[1:], field=field.lstrip(".") or None)


def _values(document: object) -> Iterator[tuple[int, object]]:
    """Every value and every name of a document with its depth, without recursion."""
    waiting = [(0, document)]
    while waiting:
        depth, value = waiting.pop()
        yield depth, value
        if depth > DEEPEST:
            continue
        if isinstance(value, list):
            waiting += ((depth + 1, item) for item in value)
        elif isinstance(value, dict):
            waiting += ((depth + 1, item) for pair in value.items() for item in pair)


def _is_storable(text: str) -> bool:
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"the number {text[:40]} is too large")
    return number


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")
