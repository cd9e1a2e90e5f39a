"""The OpenAPI document, made of the operations and of the shapes they take and answer with."""

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from quel_dagster.api.operations import OPERATIONS, Answer, Json, Operation

VERSION = "1"
"""Of what is spoken here, not of the package: it changes when a caller would have to."""
ABOUT = """\
Orders for pictures: place them, see how they stand, cancel them.
A job's row in PostgreSQL is the truth; a ring in Redis only makes it begin sooner."""


def document() -> Json:
    """The whole document."""
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = described(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Quel", "version": VERSION, "description": ABOUT},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def described(operation: Operation) -> Json:
    """One operation."""
    found: Json = {
        "operationId": named(operation),
        "summary": operation.summary,
        "description": operation.about,
        "responses": {
            str(status): answered(answer) for status, answer in sorted(operation.answers.items())
        },
    }
    if operation.parameters:
        found["parameters"] = operation.parameters
    if operation.takes:
        content = {"application/json": {"schema": reference(operation.takes)}}
        found["requestBody"] = {"required": True, "content": content}
    if operation.is_open:
        found["security"] = []
    return found


def answered(answer: Answer) -> Json:
    """One answer."""
    match [reference(shape) for shape in answer.shapes]:
        case []:
            content: Json = {"text/plain": {"schema": {"type": "string"}}}
        case [only]:
            content = {"application/json": {"schema": only}}
        case several:
            content = {"application/json": {"schema": {"anyOf": several}}}
    return {"description": answer.about, "content": content}


def named(operation: Operation) -> str:
    """`post_api_jobs`, `get_health`."""
    path = operation.path.replace("{", "").replace("}", "")
    return operation.method + path.replace("/", "_")


def reference(shape: type[BaseModel]) -> Json:
    """Where a shape's schema stands."""
    return {"$ref": f"#/components/schemas/{shape.__name__}"}


def schemas() -> object:
    """The schemas of all shapes, by name."""
    taken = {operation.takes for operation in OPERATIONS if operation.takes}
    answers = [answer for operation in OPERATIONS for answer in operation.answers.values()]
    told = {shape for answer in answers for shape in answer.shapes}
    _, found = models_json_schema(
        [
            *((shape, "validation") for shape in sorted(taken, key=name_of)),
            *((shape, "serialization") for shape in sorted(told, key=name_of)),
        ],
        ref_template="#/components/schemas/{model}",
    )
    return found["$defs"]


def name_of(shape: type[BaseModel]) -> str:
    """Of its class."""
    return shape.__name__
