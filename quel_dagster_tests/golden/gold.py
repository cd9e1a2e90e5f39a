"""A golden file: an order, written by hand, and below it what is made of it, written by us."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from uuid import UUID

import yaml

from quel_dagster import categories
from quel_dagster.environment import Environment
from quel_dagster.model.job import JobRow, Payer, Ticket
from quel_dagster.pipeline.category import Category
from quel_dagster.pipeline.explaining import Planned, Sent, picture_by_picture, understand
from quel_dagster.pipeline.telling import together

JOB = UUID("0c0ffee0-0000-4000-8000-000000000001")
MEMBER = UUID("6d0e8f3a-52f2-4f0b-9a33-0f6a2c9b7711")
BORDER = "\n---\n# Written by `pytest --regold`, never by hand: what is made of the order above.\n"

SETTINGS = Environment({"QUEL_PUBLIC_URLS": "https://files.example.test/attachments"}).settings
CATEGORIES: Mapping[str, Category] = {category.path: category for category in categories.load()}


@dataclass(frozen=True)
class Gold:
    """One file."""

    path: Path

    @property
    def order(self) -> str:
        """The order as it was written by hand, with its comments."""
        return self.path.read_text(encoding="utf-8").partition(BORDER)[0].rstrip("\n")

    @property
    def kept(self) -> object:
        """What was made of it when the file was written last; None where it never was."""
        return yaml.safe_load(self.path.read_text(encoding="utf-8").partition(BORDER)[2])

    def write(self) -> None:
        """Writes the file anew with what is made of its order now."""
        made = yaml.dump(
            self.made(), Dumper=Readable, sort_keys=False, allow_unicode=True, width=110
        )
        self.path.write_text(f"{self.order}\n{BORDER}{made}", encoding="utf-8")

    def made(self) -> dict[str, object]:
        """What is made of the order now."""
        given = cast("dict[str, object]", yaml.safe_load(self.order))
        row = JobRow(
            ticket=Ticket(job_id=JOB, claim_id=UUID(int=0)),
            path=str(given["path"]),
            requested_path=None,
            job_type=str(given["job_type"]),
            production_id=UUID(int=0),
            total_images=cast("int", given["total_images"]),
            input=given["input"],
            payer=Payer(member_id=MEMBER),
        )
        understood = understand(row, CATEGORIES[row.path].plan, SETTINGS)
        if understood.job is None or understood.plan is None:
            return {"refused": [str(error) for error in understood.refusals]}
        pictures = picture_by_picture(understood.job, understood.plan, SETTINGS, {})
        assert not any(picture.problem for picture in pictures)
        notes = [*understood.job.warnings, *understood.plan.notes]
        return {
            **({"notes": notes} if notes else {}),
            "pictures": [as_mapping(alike) for alike in together(pictures)],
        }


def as_mapping(alike: Sequence[Planned]) -> dict[str, object]:
    """A spec as a person reads it, with all that differ from it in their seed only."""
    spec, sent = alike[0].spec, alike[0].sent
    size = f"{spec.width} x {spec.height}" if spec.width else "of the picture that is changed"
    return {
        "seed by slot": {picture.spec.slot: picture.spec.seed for picture in alike},
        "size": size,
        **({"sent": {each.title: supplied(each) for each in sent}} if sent else {}),
        "prompt": dict(spec.scene.parts),
        "never": spec.scene.negative,
    }


def supplied(sent: Sent) -> str:
    """What a picture is made of."""
    members = [
        f"{each.attach_id} {each.shows}".strip() if each.attach_id else each.place
        for each in sent.supplied
    ]
    return f"{sent.role}: {', '.join(members)}"


class Readable(yaml.SafeDumper):
    """Texts of several lines as they are."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


Readable.add_representer(str, _text)
