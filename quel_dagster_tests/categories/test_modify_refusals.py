"""Orders for a change that cannot be made: failed with the field and what to do, never charged."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
import sqlalchemy as sa
from PIL import Image

from quel_dagster.services.tables import ledger
from quel_dagster_tests.categories.retouches import (
    SIZE,
    attached,
    data_url,
    gradient,
    place,
    upload,
)
from quel_dagster_tests.house import House

NOT_A_PICTURE = "data:image/png;base64,bm8gcGljdHVyZQ=="


def refusal(house: House, given: dict[str, object]) -> str:
    """What the row tells whoever ordered."""
    job_id = place(house, given)
    house.serve()
    row = house.row(job_id)
    with house.environment.engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(ledger)) == 0
    assert (row["job_status"], row["completed_images"], row["failed_images"]) == ("failed", 0, 1)
    return row["error_message"]


@pytest.fixture
def visits() -> Iterator[tuple[str, list[str]]]:
    """An address on this machine, and what was asked for there."""
    asked: list[str] = []

    class Witness(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(404)
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Witness) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", asked
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("field", ["originalImageUrl", "referenceImageDataUrl", "maskDataUrl"])
def test_w72_an_address_of_somewhere_else_is_refused_and_nothing_is_fetched_from_it(
    house: House, visits: tuple[str, list[str]], field: str
) -> None:
    address, asked = visits
    number = None if field == "originalImageUrl" else upload(house, gradient())
    said = refusal(house, {"originalAttachId": number, field: f"{address}original.png"})
    assert f"{field}: " in said
    assert "is not an address in our storage; upload the picture and order again" in said
    assert asked == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"maskDataUrl": NOT_A_PICTURE}, "maskDataUrl: is not a picture; use one of PNG, "),
        (
            {"maskDataUrl": data_url(Image.new("RGBA", SIZE, (0, 0, 0, 0)))},
            "maskDataUrl: nothing is painted; paint over what is to change",
        ),
        (
            {"maskDataUrl": data_url(Image.new("RGB", SIZE, "white"), "JPEG")},
            "maskDataUrl: has no transparency that tells what is painted; send a PNG",
        ),
        (
            {"referenceImageDataUrl": NOT_A_PICTURE},
            "referenceImageDataUrl: is not a picture; use one of PNG, ",
        ),
        (
            {"originalAttachId": 4_000_000},
            "originalAttachId: reference 4000000 has no file in quel_attach; upload it again",
        ),
        ({"prompt": ""}, "prompt: nothing says what to change"),
    ],
)
def test_what_is_missing_or_wrong_is_named_by_its_field(
    house: House, given: dict[str, object], expected: str
) -> None:
    assert expected in refusal(house, {"originalAttachId": upload(house, gradient()), **given})


def test_a_picture_that_is_not_in_storage_is_named_by_its_key(house: House) -> None:
    said = refusal(house, {"originalAttachId": attached(house, "uploads/gone.png")})
    assert "originalAttachId: is not in storage at uploads/gone.png; upload it again" in said


def test_a_picture_of_an_impossible_shape_is_refused(house: House) -> None:
    number = upload(house, Image.new("RGB", (900, 100), "red"))
    expected = "originalAttachId: has 900 x 100 pixels; one side may have at most 8 times as many"
    assert expected in refusal(house, {"originalAttachId": number})
