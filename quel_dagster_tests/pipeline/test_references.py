"""References are fetched once per job, and a bad one refuses the pictures that show it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from io import BytesIO

import pytest
import sqlalchemy as sa
from PIL import Image

from quel_dagster.model.errors import InvalidJob, StorageAway
from quel_dagster.model.job import Reference
from quel_dagster.model.spec import Scene, Sheet, Spec
from quel_dagster.pipeline.references import Enclosures, enclose
from quel_dagster.services.tables import attach
from quel_dagster_tests.house import House
from quel_dagster_tests.pipeline.painted import picture


def attached(house: House, data: bytes | None, **columns: str) -> int:
    """The id of an upload; without data its row names a file that is not there."""
    key = columns.get("attach_file_path") or columns.get("attach_directory") or "uploads/a"
    if data is not None:
        stored = f"uploads/{key}" if key.startswith("upload-") else key
        house.environment.storage.put(stored, data, "image/png")
    with house.environment.engine.begin() as tx:
        row = columns or {"attach_file_path": key}
        return tx.execute(sa.insert(attach).values(row).returning(attach.c.attach_id)).scalar_one()


def spec(slot: int, *sheets: tuple[int, ...], size: tuple[int, int] = (1344, 768)) -> Spec:
    """A picture that shows these references, each with its place in the order."""
    shown = tuple(
        Sheet(
            role="clothing",
            references=tuple(
                Reference(attach_id=number, kind="top", where=f"stages[{slot}].ids[{place}]")
                for place, number in enumerate(numbers)
            ),
        )
        for numbers in sheets
    )
    width, height = size
    scene = Scene(description="a suit", sheets=shown)
    return Spec(slot=slot, scene=scene, width=width, height=height, seed=1)


def enclosed(house: House, *specs: Spec) -> Enclosures:
    return enclose(house.environment.store, house.environment.storage, specs)


def size_of(data: bytes) -> tuple[int, int]:
    with Image.open(BytesIO(data)) as made:
        return made.size


@pytest.mark.parametrize(
    "columns",
    [
        {"attach_file_path": "uploads/a.png", "attach_directory": "uploads/b.png"},
        {"attach_file_path": " ", "attach_directory": "shop/a.png"},
        {"attach_directory": "upload-2025-11-25T16-03-11-467Z.webp"},
        {"attach_file_path": "upload-2025-11-25T16-03-11-467Z.webp"},
    ],
)
def test_the_file_is_where_the_row_says(house: House, columns: dict[str, str]) -> None:
    data = picture()
    columns = {name: value for name, value in columns.items() if value.strip()}
    number = attached(house, data, **columns)
    assert enclosed(house, spec(0, (number,))).ready[0].references == (data,)


def test_each_reference_is_fetched_once_and_each_sheet_made_once_per_job(house: House) -> None:
    storage, asked = house.environment.storage, list[str]()
    fetch = storage.fetch

    def counted(key: str) -> bytes | None:
        asked.append(key)
        return fetch(key)

    storage.fetch = counted
    one, two = (attached(house, picture(colour=c), attach_file_path=c) for c in ("red", "blue"))
    made = enclosed(house, *(spec(slot, (one,), (one, two)) for slot in range(40)))
    assert sorted(asked) == ["blue", "red"]
    assert len({id(data) for each in made.ready.values() for data in each.references}) == 2


def test_a_grid_is_fitted_into_its_picture_but_into_no_square(house: House) -> None:
    pair = tuple(attached(house, picture(60, 40), attach_file_path=name) for name in "ab")
    made = enclosed(
        house,
        spec(0, pair, size=(1344, 768)),
        spec(1, pair, size=(768, 1344)),
        spec(2, pair, size=(1024, 1024)),
        spec(3, pair[:1], size=(768, 1344)),
    )
    sizes = [size_of(made.ready[slot].references[0]) for slot in range(4)]
    assert sizes == [(1344, 768), (768, 1344), (120, 40), (60, 40)]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (None, "is not in storage at uploads/a; upload it again"),
        (b"<html>Not found</html>", "is not a picture; use one of PNG, JPEG"),
        (picture()[:60], "is a broken picture; upload it again"),
    ],
)
def test_w47_a_bad_reference_refuses_the_pictures_that_show_it_and_no_others(
    house: House, data: bytes | None, problem: str
) -> None:
    """Production sent a broken placeholder in its place, and said `completed`."""
    good = attached(house, picture(), attach_file_path="good.png")
    bad = attached(house, data)
    made = enclosed(house, spec(0, (good,)), spec(1, (good, bad)), spec(2, (bad,)))
    assert set(made.ready) == {0}
    assert [(slot, error.field) for slot, error in made.refused.items()] == [
        (1, "stages[1].ids[1]"),
        (2, "stages[2].ids[0]"),
    ]
    assert all(f"reference {bad} {problem}" in e.problem for e in made.refused.values())
    made.check()


def test_w47_an_upload_without_a_row_or_a_file_name_is_named(house: House) -> None:
    nameless = attached(house, None, attach_original_name="a.png")
    made = enclosed(house, spec(0, (nameless,)), spec(1, (987_654,)))
    assert [error.problem for error in made.refused.values()] == [
        f"reference {nameless} has no file in quel_attach; upload it again",
        "reference 987654 has no file in quel_attach; upload it again",
    ]


def test_where_nothing_is_left_to_render_every_reason_is_told_once(house: House) -> None:
    specs = [spec(slot, (987_654 + slot // 2,)) for slot in range(4)]
    specs[1] = replace(specs[0], slot=1)
    with pytest.raises(InvalidJob) as refusal:
        enclosed(house, *specs).check()
    assert refusal.value.field == "stages[0].ids[0]"
    assert str(refusal.value).count("reference 987654 ") == 1
    assert str(refusal.value).count("reference 987655 ") == 2
    assert "stages[3].ids[0]: reference 987655" in str(refusal.value)


@pytest.fixture
def away(build_house: Callable[[Mapping[str, str]], House], variables: dict[str, str]) -> House:
    """A house whose storage cannot be reached."""
    return build_house(variables | {"S3_ENDPOINT_URL": "http://127.0.0.1:9"})


def test_an_order_of_words_alone_needs_no_storage(away: House) -> None:
    made = enclosed(away, spec(0), spec(1))
    assert [each.references for each in made.ready.values()] == [(), ()]
    made.check()


def test_storage_that_is_away_is_nobodys_fault(house: House, away: House) -> None:
    number = attached(house, picture())
    with pytest.raises(StorageAway):
        enclosed(away, spec(0, (number,)))
