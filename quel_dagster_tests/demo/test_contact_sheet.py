"""The sample orders cover every shape on every path, and the contact sheet shows each."""

import re
from io import BytesIO
from pathlib import Path

from PIL import Image

from quel_dagster import categories
from quel_dagster.demo.contact_page import Frame, as_page, as_picture
from quel_dagster.demo.contact_sheet import write_sheet
from quel_dagster.demo.recipes import PICTURES
from quel_dagster.demo.report import count, total
from quel_dagster.demo.samples import orders
from quel_dagster.model.retouching import MODIFY
from quel_dagster_tests.house import House

SHAPES = list(PICTURES)
PATHS = [category.path for category in categories.load()]


def picture(colour: str) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (64, 36), colour).save(buffer, "WEBP")
    return buffer.getvalue()


def frame(path: str = "eats", shape: str = "single_batch", prompt: str = "noodles") -> Frame:
    return Frame(path=path, shape=shape, slot=0, prompt=prompt, data=picture("teal"))


def test_every_shape_on_every_path_becomes_a_picture_on_the_sheet(
    house: House, tmp_path: Path
) -> None:
    number = len(SHAPES) * (len(PATHS) - 1) + 1
    job_ids = [house.front_end.place(order) for order in orders(house.customers, number)]
    while house.serve():
        pass

    served = total(count(house.environment.engine, job_ids))
    assert served.is_whole(house.environment.settings.credits.price_per_image)
    page = write_sheet(house.environment, job_ids, tmp_path).read_text(encoding="utf-8")
    shown = re.findall(r'alt="(\w+), (\w+) \S slot (\d+)"', page)
    expected = {(path, shape, "0") for path in PATHS for shape in SHAPES if path != MODIFY}
    assert len(shown) == number
    assert set(shown) == expected | {(MODIFY, MODIFY, "0")}
    assert "linen suit, late summer terrace, calm mood" in page
    assert not re.search(r'(src|href)="(?!data:)', page)
    with Image.open(tmp_path / "contact-sheet.png") as sheet:
        assert sheet.width > 1500


def test_a_customers_words_are_no_markup() -> None:
    page = as_page({"eats": [frame(prompt="<script>alert(1)</script>")]})
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>" not in page


def test_the_picture_has_a_row_for_every_path() -> None:
    one, two = (
        Image.open(BytesIO(as_picture(rows)))
        for rows in ({"eats": [frame()]}, {"eats": [frame(), frame()], "cinema": [frame("cinema")]})
    )
    assert two.width > one.width
    assert two.height > one.height
    assert (0, 128, 128) in {two.getpixel((x, 300)) for x in range(0, two.width, 8)}


def test_a_sheet_without_pictures_says_so() -> None:
    assert "0 pictures" in as_page({})
    assert as_picture({}).startswith(b"\x89PNG")
