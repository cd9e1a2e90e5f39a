"""Customers with balances, reference pictures, and orders of every kind, for the demo.

Everything is written where the front end would write it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from itertools import cycle
from uuid import UUID

import sqlalchemy as sa
from PIL import Image, ImageDraw, ImageFont

from quel_dagster.demo.front_end import NewOrder
from quel_dagster.demo.recipes import RECIPES, RETOUCH
from quel_dagster.model.job import Payer
from quel_dagster.services.storage import Storage
from quel_dagster.services.tables import attach, member, organization, organization_member

BALANCE = 1_000_000
PROVIDER = "sample"
"""Of members who are none of the front end's."""
COLOURS = {
    "model": "#c98b6b",
    "outer": "#4b6a88",
    "pants": "#5d5a4e",
    "shoes": "#7a3b2e",
    "product": "#b57ba6",
    "food": "#c9763b",
    "ingredient": "#6f9a4d",
    "actor": "#8a7f9c",
    "character": "#d9a441",
    "prop": "#4f8f8b",
    "background": "#a9b8a6",
}
"""Kinds of reference the sample orders use, each a plain labelled picture."""

SAMPLES = (*RECIPES, RETOUCH)
"""An order of every shape on every path, and a picture to be retouched."""


@dataclass(frozen=True, kw_only=True)
class Customers:
    """Who orders, who pays, and the `quel_attach` id of a picture of every kind."""

    person: Payer
    company: Payer
    references: Mapping[str, int]


def move_in(engine: sa.Engine, storage: Storage) -> Customers:
    """Adds two who pay, with balances, and stores reference pictures."""
    with engine.begin() as tx:
        person, company = new_payers(tx)
        owner = person.member_id
        references = {kind: new_reference(tx, storage, kind, owner) for kind in COLOURS}
    return Customers(person=person, company=company, references=references)


def resident(engine: sa.Engine) -> UUID:
    """The sample member with the most credits, who is made if there is none."""
    known = (
        sa.select(member.c.quel_member_id)
        .where(member.c.provider == PROVIDER)
        .order_by(member.c.quel_member_credit.desc(), member.c.quel_member_id)
        .limit(1)
    )
    with engine.begin() as tx:
        return tx.scalar(known) or new_member(tx, "person")


def new_payers(tx: sa.Connection, prefix: str = "") -> tuple[Payer, Payer]:
    """A member who pays, and another one whose organization does, all with large balances."""
    person, employee = (new_member(tx, f"{prefix}{name}") for name in ("person", "employee"))
    org = tx.execute(
        sa.insert(organization)
        .values(org_name=f"{prefix}studio", org_credit=BALANCE, owner_id=employee)
        .returning(organization.c.org_id)
    ).scalar_one()
    tx.execute(sa.insert(organization_member).values(org_id=org, member_id=employee))
    return Payer(member_id=person), Payer(member_id=employee, org_id=org)


def new_member(tx: sa.Connection, name: str) -> UUID:
    """A member with a large balance."""
    return tx.execute(
        sa.insert(member)
        .values(
            quel_email=f"{name}@quel.example",
            quel_name=name,
            provider=PROVIDER,
            provider_sub=name,
            quel_member_credit=BALANCE,
        )
        .returning(member.c.quel_member_id)
    ).scalar_one()


def new_reference(tx: sa.Connection, storage: Storage, kind: str, owner: UUID | None) -> int:
    """Stores a picture as an upload and returns its attach id.

    The row leaves the folder `uploads/` out, as production's rows do.
    """
    name = f"upload-sample-{kind}.webp"
    data = draw_reference(kind)
    storage.put(f"uploads/{name}", data, "image/webp")
    row = {
        "attach_original_name": name,
        "attach_file_name": name,
        "attach_file_path": name,
        "attach_file_size": len(data),
        "attach_file_type": "image/webp",
        "attach_storage_type": "s3",
        "quel_member_id": owner,
    }
    return tx.execute(sa.insert(attach).values(row).returning(attach.c.attach_id)).scalar_one()


def draw_reference(kind: str) -> bytes:
    """A WebP of 512 by 512 pixels that names its kind."""
    picture = Image.new("RGB", (512, 512), COLOURS[kind])
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((24, 24, 488, 488), radius=40, outline="white", width=6)
    draw.text((256, 256), kind, fill="white", font=ImageFont.load_default(72), anchor="mm")
    buffer = BytesIO()
    picture.save(buffer, "WEBP", quality=90)
    return buffer.getvalue()


def orders(customers: Customers, number: int) -> Iterator[NewOrder]:
    """Orders round the paths, shape after shape, by person and company in turn."""
    payers = customers.person, customers.company
    for turn, recipe in zip(range(number), cycle(SAMPLES), strict=False):
        yield recipe.order(payers[turn % 2], customers.references, recipe.images)
