"""Asking `quel explain`, and what can be read off its answer."""

import json
from uuid import UUID

from click.testing import CliRunner, Result

from quel_dagster.cli.main import quel

SUIT: dict[str, object] = {
    "basePrompt": "linen suit, late summer terrace",
    "individualImageAttachIds": [
        {"attachId": 1, "type": "model"},
        {"attachId": 2, "type": "outer"},
        {"attachId": "3", "type": "pants"},
    ],
    "combinations": [
        {"angle": "front", "shot": "full", "quantity": 2},
        {"angle": "back", "shot": "tight"},
    ],
    "aspect-ratio": "9:16",
}


def explain(job_id: UUID, *options: str) -> Result:
    return CliRunner().invoke(quel, ["explain", str(job_id), *options])


def lines(done: Result) -> list[str]:
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


def told(job_id: UUID, label: str) -> str:
    """What stands behind a label, the first time it is there."""
    found = lines(explain(job_id))
    start = next(n for n, line in enumerate(found) if line.startswith(f"  {label} "))
    below = found[start + 1 :]
    end = next((n for n, line in enumerate(below) if not line.startswith(" " * 16)), len(below))
    return " ".join(line[16:] for line in [found[start], *below[:end]])


def as_json(job_id: UUID) -> dict[str, object]:
    done = explain(job_id, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)
