"""Orders that change a picture under a mask, and the pictures they bring."""

import base64
from collections.abc import Mapping
from uuid import UUID

import sqlalchemy as sa
from PIL import Image, ImageDraw

from quel_dagster.demo.front_end import NewOrder
from quel_dagster.services.tables import attach, slot
from quel_dagster_tests.house import House
from quel_dagster_tests.pipeline.painted import encoded, opened

SIZE = (640, 480)
BOX = (160, 120, 479, 359)
"""Where the strokes are, of a picture of `SIZE`."""


def gradient(size: tuple[int, int] = SIZE) -> Image.Image:
    """A picture whose every part looks different, and that WebP keeps well."""
    across = Image.linear_gradient("L").rotate(90).resize(size)
    down = Image.linear_gradient("L").resize(size)
    return Image.merge("RGB", (across, down, Image.new("L", size, 90)))


def strokes(colour: str = "red", size: tuple[int, int] = SIZE) -> Image.Image:
    """A painted rectangle on transparency."""
    marks = Image.new("RGBA", size, (0, 0, 0, 0))
    scale = size[0] / SIZE[0]
    ImageDraw.Draw(marks).rectangle([edge * scale for edge in BOX], fill=colour)
    return marks


def data_url(picture: Image.Image, format_: str = "PNG") -> str:
    text = base64.b64encode(encoded(picture, format_)).decode()
    return f"data:image/{format_.lower()};base64,{text}"


def upload(house: House, picture: Image.Image, key: str = "uploads/original.png") -> int:
    """Stores a picture as an upload; answers its attach id."""
    house.environment.storage.put(key, encoded(picture), "image/png")
    return attached(house, key)


def attached(house: House, key: str) -> int:
    """The id of a row of `quel_attach` for a file, there or not."""
    row = {"attach_file_path": key, "attach_file_type": "image/png"}
    with house.environment.engine.begin() as tx:
        number = attach.c.attach_id
        return tx.execute(sa.insert(attach).values(row).returning(number)).scalar_one()


def place(
    house: House, given: Mapping[str, object], images: int = 1, path: str | None = None
) -> UUID:
    """Orders a change as the front end writes it: a simple order without a path, with a mask."""
    standard: Mapping[str, object] = {
        "originalImageUrl": "",
        "originalProductionId": "",
        "maskDataUrl": data_url(strokes()),
        "prompt": "turn into a brass button",
        "layers": [],
        "referenceImageDataUrl": None,
        "quantity": images,
    }
    order = NewOrder(
        path=path,
        input={**standard, **given},
        payer=house.customers.person,
        total_images=images,
        job_type="simple_general",
    )
    return house.front_end.place(order)


def delivered(house: House, job_id: UUID) -> list[Image.Image]:
    """The stored pictures of a job, in slot order."""
    keys = sa.select(slot.c.s3_key).where(slot.c.job_id == job_id).order_by(slot.c.slot)
    with house.environment.engine.connect() as connection:
        found = connection.scalars(keys).all()
    files = [house.environment.storage.fetch(key) for key in found if key]
    return [opened(data).convert("RGB") for data in files if data]
