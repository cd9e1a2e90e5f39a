"""An order of every kind that the front end places, in its own words, with invented values."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Animal:
    """A row as the front end writes it."""

    path: str | None
    job_type: str
    total_images: int
    input: object


def animal(name: str) -> Animal:
    """The one of that name in `examples`, which are JSON as it is in the row."""
    file = Path(__file__).parent / "examples" / f"{name}.json"
    return Animal(**json.loads(file.read_text(encoding="utf-8")))


SINGLE_BATCH = animal("single_batch")
LEGACY_BATCH = animal("legacy_batch")
PIPELINE_STAGE = animal("pipeline_stage")
LEGACY_STAGE = animal("legacy_stage")
SIMPLE_GENERAL = animal("simple_general")
SIMPLE_PORTRAIT = animal("simple_portrait")
MODIFY = animal("modify")
MULTIVIEW = animal("multiview")
LANDING = animal("landing")
