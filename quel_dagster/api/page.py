"""The OpenAPI document as one HTML page that needs nothing from anywhere else.

The page's frame and looks stand in `page.html` beside this file.
"""

import json
from collections.abc import Iterable
from html import escape
from pathlib import Path
from string import Template
from typing import cast

from pydantic import BaseModel

from quel_dagster.api.openapi import document, named
from quel_dagster.api.operations import OPERATIONS, Json, Operation

TEMPLATE = Path(__file__).with_name("page.html")


def render() -> str:
    """The page."""
    info = cast("dict[str, str]", document()["info"])
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(info["title"]),
        version=escape(info["version"]),
        about=escape(info["description"]),
        contents="".join(map(entry, OPERATIONS)),
        operations="".join(map(section, OPERATIONS)),
    )


def entry(operation: Operation) -> str:
    """A line of the table of contents."""
    words = f"<code>{escape(operation.path)}</code><span>{escape(operation.summary)}</span>"
    return f'<a href="#{named(operation)}">{method(operation)}{words}</a>'


def section(operation: Operation) -> str:
    """One operation: what it is, what it takes, what it answers."""
    title = f"<code>{escape(operation.path)}</code> <span>{escape(operation.summary)}</span>"
    parts = [f"<h2>{method(operation)} {title}</h2><p>{escape(operation.about)}</p>"]
    if operation.parameters:
        parts.append(f"<h3>Parameters</h3>{table(map(parameter, operation.parameters))}")
    if operation.takes:
        parts.append(f"<h3>Body</h3>{fields(operation.takes)}{example(operation.takes)}")
    parts.append(f"<h3>Answers</h3>{table(answers(operation))}")
    return f'<section id="{named(operation)}">{"".join(parts)}</section>'


def method(operation: Operation) -> str:
    """The method as a badge."""
    return f'<span class="method {operation.method}">{operation.method}</span>'


def parameter(described: Json) -> str:
    """One parameter."""
    name = f'<code class="{must(described.get("required"))}">{described["name"]}</code>'
    about = escape(str(described.get("description", "")))
    return row(name, f'<span class="type">{described["in"]}</span>', about)


def fields(shape: type[BaseModel]) -> str:
    """Every field of a shape with its type and its meaning."""
    schema = shape.model_json_schema()
    required = schema.get("required", ())
    return table(
        row(
            f'<code class="{must(name in required)}">{name}</code>',
            f'<span class="type">{kind(found)}</span>',
            escape(found.get("description", "")),
        )
        for name, found in schema["properties"].items()
    )


def answers(operation: Operation) -> Iterable[str]:
    """A row for each status."""
    for status, answer in sorted(operation.answers.items()):
        number = f'<code class="{"wrong" if status >= 400 else ""}">{status}</code>'
        shown = [example(shape) for shape in answer.shapes] if status < 400 else ()
        yield row(number, f"{escape(answer.about)}{''.join(shown)}")


def example(shape: type[BaseModel]) -> str:
    """A shape as a caller may see it, folded."""
    text = json.dumps(sample(shape), indent=2)
    return f"<details><summary>example</summary><pre>{escape(text)}</pre></details>"


def sample(shape: type[BaseModel]) -> Json:
    """A value of a shape, from the examples of its fields; optional ones without one go."""
    found: Json = {}
    for name, described in shape.model_json_schema()["properties"].items():
        if examples := described.get("examples"):
            found[name] = examples[0]
        elif "default" not in described:
            found[name] = SAMPLES.get(kind(described).split(" ")[0])
    return found


SAMPLES: Json = {"boolean": True, "integer": 2, "string": "…", "array": []}
"""For fields whose own example would say no more."""


def kind(described: Json) -> str:
    """A field's type in a word or two."""
    choices = cast("list[Json]", described.get("anyOf", [described]))
    names = [str(each.get("format") or each.get("type", "any")) for each in choices]
    return " or ".join(names)


def must(required: object) -> str:
    """The class of a name that has to be there."""
    return "must" if required else ""


def table(rows: Iterable[str]) -> str:
    """Rows as a table."""
    return f"<table>{''.join(rows)}</table>"


def row(*cells: str) -> str:
    """Cells as a row."""
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
