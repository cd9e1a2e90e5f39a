"""Orders of every shape on their whole way; those that are not ours stay as they are."""

from collections.abc import Sequence
from datetime import timedelta
from io import BytesIO
from uuid import UUID

import pytest
import sqlalchemy as sa
from PIL import Image

from quel_dagster.demo.front_end import NewOrder
from quel_dagster.model.sizes import SIZES
from quel_dagster.services.tables import attach, attempt, job, photo
from quel_dagster_tests.house import House
from quel_dagster_tests.model import zoo


def place(house: House, path: str | None, job_type: str, images: int, order_input: object) -> UUID:
    payer = house.customers.person
    return house.front_end.place(
        NewOrder(path=path, input=order_input, payer=payer, total_images=images, job_type=job_type)
    )


def delivered(house: House, job_id: UUID) -> list[int]:
    """The attach ids of a job that ended well, in the order of their slots."""
    row = house.row(job_id)
    assert row["job_status"] == "completed", row["error_message"]
    return row["generated_attach_ids"]


def sizes_of(house: House, attach_ids: Sequence[int]) -> list[tuple[int, int]]:
    """Width and height of delivered pictures, in the order of the ids."""
    columns = attach.c.attach_id, attach.c.attach_file_path
    with house.environment.engine.connect() as connection:
        keys = dict(connection.execute(sa.select(*columns)).tuples().all())
    pictures = [house.environment.storage.fetch(keys[number]) for number in attach_ids]
    return [Image.open(BytesIO(data)).size for data in pictures if data]


def logged(house: House, job_id: UUID) -> list[str]:
    """What the runs of a job told in their logs."""
    runs = [run for run in house.instance.get_runs() if run.tags["quel/job_id"] == str(job_id)]
    return [record.user_message for run in runs for record in house.instance.all_logs(run.run_id)]


def test_w18_stages_out_of_order_are_delivered_in_the_order_of_their_indexes(house: House) -> None:
    stages = [
        {"stage_index": 3, "prompt": "third", "aspect-ratio": "1:1"},
        {"stage_index": "1", "prompt": "first", "aspect-ratio": "16:9"},
        {"stage_index": 2, "prompt": "second", "aspect-ratio": "9:16"},
    ]
    job_id = place(house, "eats", "pipeline_stage", 3, {"stages": stages})
    house.serve()
    expected = [SIZES["16:9"], SIZES["9:16"], SIZES["1:1"]]
    assert sizes_of(house, delivered(house, job_id)) == expected


def test_portraits_are_one_picture_each_on_every_path(house: House) -> None:
    merged = house.customers.references["model"]
    entries = [
        {"photoIndex": 0, "mergedAttachId": merged, "wrappingPrompt": "change to winter coat"},
        {"photoIndex": 1, "mergedAttachId": str(merged), "wrappingPrompt": "add scarf"},
    ]
    order_input = {"mergedImages": entries, "aspect-ratio": "3:4"}
    paths = ("fashion", "beauty", "eats", "cinema", "cartoon")
    job_ids = [place(house, path, "simple_portrait", 2, order_input) for path in paths]
    house.serve()
    for job_id in job_ids:
        assert sizes_of(house, delivered(house, job_id)) == [SIZES["3:4"]] * 2


def test_what_was_understood_otherwise_than_written_is_in_the_log_of_the_run(house: House) -> None:
    order_input = {"aspect-ratio": "1:1", "combinations": [{"quantitty": 3}], "userId": "me"}
    job_id = place(house, "beauty", "single_batch", 1, order_input)
    house.serve()
    said = logged(house, job_id)
    for line in (
        'basePrompt: no words; "best quality, masterpiece" is rendered',
        "combinations[0].quantity: missing; read as 1",
        "combinations[0].quantitty: not used here",
        'userId: "me" is not the row\'s quel_member_id',
    ):
        assert any(f"beauty job {job_id}: {line}" in text for text in said), line


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            f'{{"combinations": [{{"quantity": {"9" * 5000}}}]}}',
            "combinations[0].quantity: expected a whole number of 1 or more, got Infinity",
        ),
        (
            f'{{"basePrompt": {"[" * 3000 + "]" * 3000}}}',
            "job_input_data: expected a JSON object, got one that is nested too deeply",
        ),
    ],
    ids=["too many digits", "too deep"],
)
def test_an_input_that_python_cannot_hold_fails_its_own_job_alone(
    house: House, text: str, reason: str
) -> None:
    job_id = place(house, "fashion", "single_batch", 1, {})
    good = place(house, "fashion", "single_batch", 1, {"basePrompt": "a suit"})
    with house.environment.engine.begin() as tx:
        of_job = job.c.job_id == job_id
        tx.execute(sa.update(job).where(of_job).values(job_input_data=sa.text(f"'{text}'")))
    house.serve()
    row = house.row(job_id)
    assert row["job_status"] == "failed"
    assert row["error_message"] == f"fashion job {job_id}, step open_job: {reason}"
    assert house.row(good)["job_status"] == "completed"


@pytest.mark.parametrize(
    "animal", [zoo.MULTIVIEW, zoo.LANDING], ids=lambda animal: str(animal.path)
)
def test_what_another_system_serves_stays_untouched_rung_for_or_found(
    house: House, animal: zoo.Animal
) -> None:
    asked = animal.job_type, animal.total_images, animal.input
    others = [place(house, path, *asked) for path in (animal.path, f" {animal.path} ".title())]
    with house.environment.engine.begin() as tx:
        long_ago = sa.func.clock_timestamp() - timedelta(minutes=10)
        tx.execute(sa.update(job).values(created_at=long_ago))
    before = rows(house)
    ours = place(house, "fashion", "single_batch", 1, {"basePrompt": "a suit"})

    assert len(house.serve()) == 1
    assert house.serve() == []

    assert house.row(ours)["job_status"] == "completed"
    after = rows(house)
    for job_id in others:
        assert after[job_id] == before[job_id]
        assert house.row(job_id)["job_status"] == "pending"


def rows(house: House) -> dict[UUID, tuple[object, ...]]:
    """Everything there is of each job: its row, its photo's, and what we would note of it."""
    found = (
        sa.select(job, photo, attempt)
        .join_from(job, photo, job.c.production_id == photo.c.production_id)
        .outerjoin(attempt, attempt.c.job_id == job.c.job_id)
    )
    with house.environment.engine.connect() as connection:
        return {row[0]: tuple(row) for row in connection.execute(found)}
