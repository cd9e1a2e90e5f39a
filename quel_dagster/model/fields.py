"""A customer's JSON, read field by field: each reading knows its place, so each error names it.

Which fields exist is known to `parsing`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from quel_dagster.model.errors import InvalidJob

DIGITS = 18
"""The longest number understood as text: every such number fits a bigint."""
SHOWN = 40
"""Characters of a wrong value in an error."""


@dataclass(frozen=True)
class Fields:
    """A JSON object and where it stands in the order, empty for the whole input."""

    where: str
    values: Mapping[str, object]

    def get(self, name: str) -> object:
        """The value as it stands; None where it is missing."""
        return self.values.get(name)

    def path(self, name: str) -> str:
        """A field's place, such as `combinations[1].quantity`."""
        return f"{self.where}.{name}" if self.where else name

    def text(self, name: str) -> str:
        """A trimmed text; empty where it is missing or null.

        Raises:
            InvalidJob: it is something else than a text.
        """
        value = self.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise InvalidJob(self.path(name), f"expected a text, got {shown(value)}")
        return value.strip()

    def flag(self, name: str) -> bool:
        """True or false; false where it is missing or null.

        Raises:
            InvalidJob: it is something else.
        """
        value = self.get(name)
        if value is not None and not isinstance(value, bool):
            raise InvalidJob(self.path(name), f"expected true or false, got {shown(value)}")
        return bool(value)

    def count(self, name: str) -> int | None:
        """A whole number of 1 or more, a numeric text included; None where missing or null.

        Raises:
            InvalidJob: it is something else.
        """
        value = self.get(name)
        return None if value is None else whole_number(self.path(name), value)

    def items(self, name: str) -> Iterator[tuple[str, object]]:
        """A list's members with the place of each; none where it is missing or null.

        Raises:
            InvalidJob: it is no list.
        """
        value = self.get(name)
        if value is None:
            return
        if not isinstance(value, list):
            raise InvalidJob(self.path(name), f"expected a list, got {shown(value)}")
        for index, item in enumerate(value):
            yield f"{self.path(name)}[{index}]", item

    def entries(self, name: str) -> "list[Fields]":
        """A list of objects.

        Raises:
            InvalidJob: it is no list, or a member is no object.
        """
        return [as_fields(where, item) for where, item in self.items(name)]


def as_fields(where: str, value: object) -> Fields:
    """A JSON object to be read; `job_input_data` itself adds nothing to its fields' places.

    Raises:
        InvalidJob: it is no object.
    """
    if not isinstance(value, dict):
        raise InvalidJob(where, f"expected a JSON object, got {shown(value)}")
    return Fields("" if where == "job_input_data" else where, value)


def whole_number(where: str, value: object) -> int:
    """A whole number of 1 or more; mobile clients send numbers as text (`"3"`).

    Raises:
        InvalidJob: it is something else.
    """
    number = value
    if isinstance(value, str) and re.fullmatch(rf"\s*[0-9]{{1,{DIGITS}}}\s*", value):
        number = int(value)
    if isinstance(value, float) and value.is_integer():
        number = int(value)
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise InvalidJob(where, f"expected a whole number of 1 or more, got {shown(value)}")
    return number


def shown(value: object) -> str:
    """A value as an error shows it: its kind of JSON, and a short text or number itself."""
    match value:
        case None:
            return "null"
        case bool() | int() | float():
            return str(value).lower()[:SHOWN]
        case str():
            return f'"{value[:SHOWN]}"'
        case list():
            return "a list"
        case _:
            return "an object"
