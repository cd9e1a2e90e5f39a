"""What the documents name, as far as it can be looked up: links, commands, keys, files, tables.

Reads Markdown only; what of it exists is asked in the tests.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from quel_dagster_tests.test_house_rules import ROOT

FENCE = re.compile(r"^ *```(?P<kind>\w*)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
COMMAND = re.compile(r"(?:^|[|;&(] *|/)quel(?: +[^\s|;&#)]+)+")
KEY = re.compile(r"[a-z_]+(?:\.[a-z_<>]+)+")
FILE = re.compile(r"[\w.<>*-]+(?:/[\w.<>*-]+)+/?|\w+\.(?:py|yaml|toml)")
VARIABLE = re.compile(r"\b(?:QUEL|COMFYUI|S3)_[A-Z_]+\b")
TABLE = re.compile(r"\bquel\.([a-z_]+)\b")


@dataclass(frozen=True)
class Page:
    """One document."""

    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def prose(self) -> str:
        """Without its blocks."""
        return FENCE.sub("", self.text)

    @property
    def words(self) -> list[str]:
        """What stands between backquotes in a line."""
        return INLINE.findall(self.prose)

    @property
    def console(self) -> list[str]:
        """The lines of its console blocks."""
        blocks = [each["text"] for each in FENCE.finditer(self.text) if each["kind"] == "console"]
        return [line.strip() for block in blocks for line in block.splitlines()]

    @property
    def anchors(self) -> set[str]:
        """Where a link into it may lead."""
        return {anchor(heading) for heading in HEADING.findall(self.prose)}

    @property
    def links(self) -> list[str]:
        """Addresses of its links that are none of the web."""
        return [link for link in LINK.findall(self.prose) if not re.match(r"\w+:", link)]

    @property
    def commands(self) -> Iterator[list[str]]:
        """The words after `quel` of each command that it names."""
        for text in [*self.words, *self.console]:
            for found in COMMAND.finditer(QUOTED.sub("X", text)):
                yield found[0].strip(" /(|;&").split()[1:]


def anchor(heading: str) -> str:
    """How a heading is called in a link."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


PAGES = [
    Page(path)
    for path in (
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
        *sorted((ROOT / "docs").glob("*.md")),
    )
]
