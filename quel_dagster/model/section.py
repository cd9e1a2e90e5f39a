"""What the sections of the configuration are made of: durations, lists of addresses, strictness.

Which sections there are is known to `settings`.
"""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}
DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def duration(value: object) -> timedelta:
    """`250ms`, `4s`, `5m`, `24h` or `7d` as a span of time. A bare number has no unit: refused."""
    match = DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"expected a number and a unit such as 4s, 5m or 24h, got {value!r}")
    return timedelta(seconds=float(match[1]) * UNITS[match[2]])


def addresses(value: object) -> object:
    """A list of addresses, each entry one address or several separated by commas; empty ones go."""
    if not isinstance(value, list | tuple) or not all(isinstance(entry, str) for entry in value):
        raise ValueError("expected a list of addresses")
    entries = (part.strip() for entry in value for part in entry.split(","))
    found = tuple(entry.rstrip("/") for entry in entries if entry)
    if not all(entry.startswith(("http://", "https://")) for entry in found):
        raise ValueError("expected addresses such as http://127.0.0.1:8188")
    return found


Duration = Annotated[timedelta, BeforeValidator(duration)]
Addresses = Annotated[tuple[str, ...], BeforeValidator(addresses)]


class Section(BaseModel):
    """Part of the configuration: immutable, and without room for a key nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")
