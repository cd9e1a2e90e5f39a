"""Pictures changed under a mask, by real runs: what is not painted over stays as it was."""

from collections.abc import Callable, Mapping
from pathlib import Path
from uuid import UUID

import dagster as dg
import pytest
import sqlalchemy as sa
from PIL import Image, ImageChops, ImageStat

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.services.tables import attach, ledger, member
from quel_dagster_tests.builders import SUIT
from quel_dagster_tests.categories.retouches import (
    BOX,
    SIZE,
    data_url,
    delivered,
    gradient,
    place,
    strokes,
    upload,
)
from quel_dagster_tests.house import House

EDGE = 8
"""Pixels beside the mask that WebP may smear."""


def serve(house: House) -> list[dg.DagsterRun]:
    runs = house.serve()
    assert [run.status for run in runs] == [dg.DagsterRunStatus.SUCCESS] * len(runs)
    return runs


def configure(variables: Mapping[str, str], old: str, new: str) -> None:
    """Changes the configuration of a house that is to be built."""
    file = Path(variables["QUEL_CONFIG"])
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def difference(one: Image.Image, other: Image.Image, box: tuple[int, int, int, int]) -> float:
    """How far two pictures differ within a box, 0 to 255, on average."""
    found = ImageChops.difference(one.convert("RGB"), other.convert("RGB")).crop(box)
    return max(ImageStat.Stat(found).mean)


def assert_changed_inside_only(original: Image.Image, picture: Image.Image) -> None:
    left, top, right, bottom = BOX
    width, height = original.size
    assert picture.size == original.size
    for outside in (
        (0, 0, width, top - EDGE),
        (0, bottom + EDGE, width, height),
        (0, 0, left - EDGE, height),
        (right + EDGE, 0, width, height),
    ):
        assert difference(original, picture, outside) < 2
    assert difference(original, picture, BOX) > 30


def counts(house: House) -> tuple[int, int]:
    """Charges in the ledger, and what the person has left."""
    with house.environment.engine.connect() as connection:
        person = member.c.quel_member_id == house.customers.person.member_id
        balance = connection.scalar(sa.select(member.c.quel_member_credit).where(person))
        charges = connection.scalars(sa.select(ledger.c.amount)).all()
    assert set(charges) <= {-20}
    assert balance is not None
    return len(charges), balance


def test_w27_each_delivered_variant_is_attached_and_charged_once(house: House) -> None:
    original = gradient()
    job_id = place(house, {"originalAttachId": upload(house, original)}, images=2)
    assert counts(house) == (0, 1_000_000)
    [run] = serve(house)

    first, second = delivered(house, job_id)
    assert_changed_inside_only(original, first)
    assert_changed_inside_only(original, second)
    assert difference(first, second, BOX) > 1
    assert counts(house) == (2, 1_000_000 - 40)
    row = house.row(job_id)
    assert (row["job_status"], row["completed_images"], row["failed_images"]) == ("completed", 2, 0)
    with house.environment.engine.connect() as connection:
        newest = sa.select(attach).order_by(attach.c.attach_id.desc()).limit(2)
        rows = connection.execute(newest).all()
    assert row["generated_attach_ids"] == sorted(found.attach_id for found in rows)
    assert {found.attach_file_type for found in rows} == {"image/webp"}
    assert run.job_name == "modify"
    assert {key: value for key, value in run.tags.items() if key.startswith("quel/")} == {
        "quel/path": "modify",
        "quel/job_id": str(job_id),
        "quel/production_id": str(row["production_id"]),
        "quel/member_id": str(house.customers.person.member_id),
        "quel/job_type": "simple_general",
        "quel/attempt": "1",
    }


def test_w27_a_variant_that_is_not_made_is_not_charged(
    variables: dict[str, str],
    build_house: Callable[[Mapping[str, str]], House],
    comfyui: ComfyUIProcess,
) -> None:
    configure(variables, "attempts: {", "attempts: {renders: 0, ")
    house = build_house(variables)
    job_id = place(house, {"originalAttachId": upload(house, gradient())}, images=2)
    comfyui.faults(fail_renders={"times": 1})
    serve(house)
    row = house.row(job_id)
    assert (row["job_status"], row["completed_images"], row["failed_images"]) == ("completed", 1, 1)
    assert counts(house) == (1, 1_000_000 - 20)


def test_a_render_that_fails_is_asked_for_again_with_the_same_pictures(
    house: House, comfyui: ComfyUIProcess
) -> None:
    original = gradient()
    job_id = place(house, {"originalAttachId": upload(house, original)})
    comfyui.faults(fail_renders={"times": 1})
    serve(house)
    assert_changed_inside_only(original, delivered(house, job_id)[0])
    assert counts(house)[0] == 1


def test_a_picture_may_be_named_by_its_address_in_our_storage(
    variables: dict[str, str], build_house: Callable[[Mapping[str, str]], House]
) -> None:
    base = "https://files.example.test/storage/v1/object/public/attachments/"
    configure(variables, "worker:", f"storage: {{public_urls: ['{base}']}}\nworker:")
    house, original = build_house(variables), gradient()
    upload(house, original, key="uploads/a b.png")
    job_id = place(house, {"originalImageUrl": f"{base}uploads/a%20b.png?width=90"})
    serve(house)
    assert_changed_inside_only(original, delivered(house, job_id)[0])


def test_colours_marks_and_pictures_of_what_is_wanted_all_arrive(house: House) -> None:
    brass = data_url(Image.new("RGB", (80, 80), "gold"), "JPEG")
    layers = [
        {"color": "#ff0000", "prompt": "turn into brass", "referenceImage": brass},
        {"color": "blue", "prompt": "a silk ribbon"},
    ]
    given = {"originalAttachId": upload(house, gradient()), "prompt": "", "layers": layers}
    job_id = place(house, {**given, "referenceImageDataUrl": brass})
    serve(house)
    assert len(delivered(house, job_id)) == 1


@pytest.mark.parametrize(
    ("ratio", "size"), [("", SIZE), ("4:3", SIZE), ("1:1", (640, 640)), ("16:9", (853, 480))]
)
def test_a_picture_keeps_its_size_unless_another_shape_is_asked_for(
    house: House, ratio: str, size: tuple[int, int]
) -> None:
    original = gradient()
    number = upload(house, original)
    job_id = place(house, {"originalAttachId": number, "aspect-ratio": ratio})
    serve(house)
    (picture,) = delivered(house, job_id)
    assert picture.size == size
    across, down = (size[0] - SIZE[0]) // 2, (size[1] - SIZE[1]) // 2
    inner = picture.crop((across, down, across + SIZE[0], down + SIZE[1]))
    if size == SIZE:
        assert_changed_inside_only(original, inner)
    else:
        assert difference(original, inner, (EDGE, EDGE, SIZE[0] - EDGE, BOX[1] - EDGE)) < 2
        assert difference(picture, Image.new("RGB", size, (127, 127, 127)), (0, 0, 40, 40)) > 5


def test_no_picture_of_the_order_shows_up_in_dagster(house: House) -> None:
    mask = data_url(strokes())
    place(house, {"originalAttachId": upload(house, gradient()), "maskDataUrl": mask})
    [run] = serve(house)
    said = "".join(
        [str(entry) for entry in house.instance.all_logs(run.run_id)]
        + [str(run.run_config), str(run.tags)]
    )
    snippet = mask.partition(",")[2]
    assert all(snippet[at : at + 40] not in said for at in range(0, len(snippet), 20))


def test_a_modify_order_among_others_runs_as_itself_whatever_path_its_row_names(
    house: House,
) -> None:
    number = upload(house, gradient())
    jobs = {
        house.order("eats", SUIT): ("eats", None),
        place(house, {"originalAttachId": number}): ("modify", None),
        house.order(None, {**SUIT, "maskDataUrl": None}): ("fashion", "none"),
        place(house, {"originalAttachId": number}, path="beauty"): ("modify", "beauty"),
    }
    runs = serve(house)
    tags = {UUID(run.tags["quel/job_id"]): run.tags for run in runs}
    assert {
        job_id: (found["quel/path"], found.get("quel/requested_path"))
        for job_id, found in tags.items()
    } == jobs
    assert [house.row(job_id)["job_status"] for job_id in jobs] == ["completed"] * 4


def test_closed_the_path_leaves_such_rows_to_the_old_server(
    variables: dict[str, str], build_house: Callable[[Mapping[str, str]], House]
) -> None:
    configure(variables, "worker:", "worker:\n  modules: {modify: {enabled: false}}")
    house = build_house(variables)
    number = upload(house, gradient())
    left = [place(house, {"originalAttachId": number}, path=path) for path in (None, "fashion")]
    before = [house.row(job_id) for job_id in left]
    other = house.order("fashion", SUIT)
    assert [run.tags["quel/job_id"] for run in serve(house)] == [str(other)]
    assert [house.row(job_id) for job_id in left] == before


def test_the_next_attempt_reads_the_pictures_again_and_charges_nothing_twice(
    house: House, comfyui: ComfyUIProcess
) -> None:
    original = gradient()
    job_id = place(house, {"originalAttachId": upload(house, original)}, images=2)
    comfyui.kill()
    [run] = house.serve()
    assert run.status is dg.DagsterRunStatus.FAILURE
    assert house.row(job_id)["job_status"] == "pending"
    comfyui.start()
    house.environment.queue.ring(job_id)
    serve(house)
    for picture in delivered(house, job_id):
        assert_changed_inside_only(original, picture)
    assert counts(house) == (2, 1_000_000 - 40)
