"""A customer's JSON, read field by field: each reading knows its place, so each error names it.

Which fields exist is known to `shapes` and `retouching`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from quel_dagster.model.errors import InvalidJob

WHOLE = "job_input_data"
"""The place of the whole input."""
DIGITS = 18
"""The longest number understood as text: every such number fits a bigint."""
LONGEST_NUMBER = 4300
"""Digits of a whole number that Python reads; PostgreSQL stores 30 times as many."""
SHOWN = 40
"""Characters of a wrong value in an error."""
REMARKS = 20
"""The most remarks about one order."""
EMPTY: tuple[object, ...] = (None, "", [], {})
"""Values that say nothing: nobody misses them when they are not read."""


@dataclass(frozen=True)
class Unreadable:
    """Stands for a JSON value that Python cannot hold; `why` follows `got` in an error."""

    why: str


def read_json(text: str | bytes) -> object:
    """Any JSON as values; what Python cannot hold is refused where it is used, not here.

    A number with too many digits becomes infinity, which is no number of anything.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        return json.loads(text, parse_int=_read_int)
    except RecursionError:
        return Unreadable("one that is nested too deeply")


def _read_int(digits: str) -> float:
    return int(digits) if len(digits) <= LONGEST_NUMBER else float(digits)


class Reading:
    """What the parts of one input share while it is read.

    Args:
        longest: the most characters of words that end in a prompt.
    """

    def __init__(self, longest: int = 8000) -> None:
        self.longest = longest
        self._objects: list[Fields] = []
        self._remarks: dict[str, None] = {}

    def enter(self, part: "Fields") -> None:
        """Keeps an object in mind, to tell in the end what was not read of it."""
        self._objects.append(part)

    def remark(self, where: str, text: str) -> None:
        """Notes once what was understood otherwise than the customer may think."""
        self._remarks[f"{where}: {text}"] = None

    def remarks(self) -> Iterator[str]:
        """Everything remarkable so far, fields that nobody read last."""
        unread = (f"{place}: not used here" for part in self._objects for place in part.unread())
        found = [*self._remarks, *islice(unread, REMARKS + 1)]
        yield from found[:REMARKS]
        if len(found) > REMARKS:
            yield f"{WHOLE}: more remarks are left out"


@dataclass(frozen=True)
class Fields:
    """A JSON object and where it stands in the order, empty for the whole input."""

    where: str
    values: Mapping[str, object]
    reading: Reading = field(default_factory=Reading)
    _read: set[str] = field(default_factory=set[str], init=False)

    def __post_init__(self) -> None:
        self.reading.enter(self)

    def get(self, name: str) -> object:
        """The value as it stands; None where it is missing."""
        self._read.add(name)
        return self.values.get(name)

    def has(self, name: str) -> bool:
        """Whether there is a value other than null."""
        return self.get(name) is not None

    def path(self, name: str) -> str:
        """A field's place, such as `combinations[1].quantity`."""
        return f"{self.where}.{name}" if self.where else name

    def remark(self, name: str, text: str) -> None:
        """Notes what the log should say about a field."""
        self.reading.remark(self.path(name), text)

    def pass_over(self, *names: str) -> None:
        """Fields that are known, and rightly without effect."""
        self._read.update(names)

    def unread(self) -> Iterator[str]:
        """The places of fields that say something and that nobody read."""
        for name, value in self.values.items():
            if name not in self._read and value not in EMPTY:
                yield self.path(name if re.fullmatch(r"[\w-]{1,40}", name) else shown(name))

    def text(self, name: str) -> str:
        """A trimmed text of any length; empty where it is missing or null.

        Raises:
            InvalidJob: it is something else than a text.
        """
        value = self.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise InvalidJob(self.path(name), f"expected a text, got {shown(value)}")
        if stray := re.search("[\0\ud800-\udfff]", value):
            problem = f"character {stray.start() + 1} is U+{ord(stray[0]):04X}, which is no text"
            raise InvalidJob(self.path(name), problem)
        return value.strip()

    def words(self, name: str) -> str:
        """A text that may end in a prompt, and so is no longer than prompts may be.

        Raises:
            InvalidJob: it is longer, or something else than a text.
        """
        words = self.text(name)
        if len(words) > self.reading.longest:
            raise InvalidJob(self.path(name), f"longer than {self.reading.longest} characters")
        return words

    def flag(self, name: str) -> bool:
        """True or false; false where it is missing or null.

        Raises:
            InvalidJob: it is something else.
        """
        value = self.get(name)
        if value is not None and not isinstance(value, bool):
            raise InvalidJob(self.path(name), f"expected true or false, got {shown(value)}")
        return bool(value)

    def count(self, name: str, *, least: int | None = 1) -> int | None:
        """A whole number of `least` or more, a numeric text included; None if missing or null.

        Raises:
            InvalidJob: it is something else.
        """
        value = self.get(name)
        return None if value is None else self.number(self.path(name), value, least=least)

    def number(self, where: str, value: object, *, least: int | None = 1) -> int:
        """A value of this object, or of a list in it, as a whole number; a text is remarked on.

        Raises:
            InvalidJob: it is something else.
        """
        number = whole_number(where, value, least=least)
        if isinstance(value, str):
            self.reading.remark(where, f"{shown(value)} is a text, read as the number {number}")
        return number

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
        return [as_fields(where, item, self.reading) for where, item in self.items(name)]


def as_fields(where: str, value: object, reading: Reading | None = None) -> Fields:
    """A JSON object to be read; `job_input_data` itself adds nothing to its fields' places.

    Raises:
        InvalidJob: it is no object.
    """
    if not isinstance(value, dict):
        raise InvalidJob(where, f"expected a JSON object, got {shown(value)}")
    return Fields("" if where == WHOLE else where, value, reading or Reading())


def whole_number(where: str, value: object, *, least: int | None = 1) -> int:
    """A whole number of `least` or more, any where that is None.

    Mobile clients send numbers as text (`"3"`).

    Raises:
        InvalidJob: it is something else.
    """
    number = value
    if isinstance(value, str) and re.fullmatch(rf"\s*[+-]?[0-9]{{1,{DIGITS}}}\s*", value):
        number = int(value)
    if isinstance(value, float) and value.is_integer():
        number = int(value)
    if (
        isinstance(number, int)
        and not isinstance(number, bool)
        and (least is None or number >= least)
    ):
        return number
    enough = "" if least is None else f" of {least} or more"
    raise InvalidJob(where, f"expected a whole number{enough}, got {shown(value)}")


def shown(value: object) -> str:
    """A value as an error shows it: its kind of JSON, and a short text or number itself."""
    match value:
        case int() if abs(value) >= 10**SHOWN:
            return f"a number of more than {SHOWN} digits"
        case None | bool() | int() | float():
            return json.dumps(value)
        case str():
            start = json.dumps(value[:SHOWN], ensure_ascii=False)
            return start.encode(errors="backslashreplace").decode()
        case Unreadable(why=why):
            return why
        case _:
            return "a list" if isinstance(value, list) else "an object"
