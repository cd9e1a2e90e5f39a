"""Spans of time in the launchpad, written as in `config.yaml`: `250ms`, `4s`, `7d`."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator

from quel_dagster.model.section import duration


def checked(text: str) -> str:
    """The same text, if it is a span of time; Dagster's configuration knows no such type."""
    duration(text)
    return text


Span = Annotated[str, AfterValidator(checked)]


def in_words(span: timedelta | None) -> str:
    """`2 days, 1:02:03` without what is smaller than a second; for None, that nobody knows."""
    return "unknown" if span is None else str(timedelta(seconds=round(span.total_seconds())))
