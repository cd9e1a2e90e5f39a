"""One real run of every category: real stores, a stand-in that renders."""

from io import BytesIO
from uuid import UUID

import dagster as dg
import pytest
import sqlalchemy as sa
from PIL import Image

from quel_dagster.demo.recipes import RECIPES
from quel_dagster.demo.writing import Recipe
from quel_dagster.services.tables import attach, ledger, member, photo, slot
from quel_dagster_tests.house import House

PICTURES = 2


def place(house: House, recipe: Recipe) -> dg.DagsterRun:
    customers = house.customers
    order = recipe.order(customers.person, customers.references, PICTURES)
    house.front_end.place(order)
    [run] = house.serve()
    return run


@pytest.mark.parametrize("recipe", RECIPES[:5], ids=lambda recipe: recipe.path)
def test_an_order_becomes_a_tagged_run_and_charged_pictures(house: House, recipe: Recipe) -> None:
    run = place(house, recipe)

    assert run.status is dg.DagsterRunStatus.SUCCESS
    assert run.tags["quel/path"] == recipe.path
    assert run.job_name == recipe.path
    with house.environment.engine.connect() as connection:
        slots = connection.execute(sa.select(slot).order_by(slot.c.slot)).all()
        attached = connection.execute(sa.select(attach).order_by(attach.c.attach_id)).all()
        charges = connection.execute(sa.select(ledger)).all()
        shown = connection.execute(sa.select(photo)).one()
        balance = connection.scalar(
            sa.select(member.c.quel_member_credit).where(
                member.c.quel_member_id == house.customers.person.member_id
            )
        )
    assert [found.state for found in slots] == ["delivered"] * PICTURES
    pictures = attached[-PICTURES:]
    assert [found.attach_id for found in slots] == [found.attach_id for found in pictures]
    assert [charge.amount for charge in charges] == [-20] * PICTURES
    assert balance == 1_000_000 - 20 * PICTURES
    assert shown.production_status == "completed"
    assert shown.attach_ids == [found.attach_id for found in pictures]
    assert shown.generated_image_count == PICTURES
    for found in pictures:
        data = house.environment.storage.fetch(found.attach_file_path)
        assert data is not None
        assert len(data) == found.attach_file_size
        with Image.open(BytesIO(data)) as picture:
            assert picture.format == "WEBP"


def test_the_row_tells_the_front_end_how_it_went(house: House) -> None:
    run = place(house, RECIPES[0])

    row = house.row(UUID(run.tags["quel/job_id"]))
    assert row["job_status"] == "completed"
    assert row["completed_images"] == PICTURES
    assert row["failed_images"] == 0
    assert row["error_message"] is None
    assert row["started_at"] < row["completed_at"]
    with house.environment.engine.connect() as connection:
        numbers = connection.scalars(sa.select(slot.c.attach_id).order_by(slot.c.slot)).all()
    assert row["generated_attach_ids"] == numbers


def test_the_run_shows_each_picture_to_operators(house: House) -> None:
    run = place(house, RECIPES[2])

    outputs = house.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_OUTPUT)
    shown = {
        key: value
        for record in outputs
        if record.dagster_event and record.dagster_event.step_key == "produce"
        for key, value in record.dagster_event.step_output_data.metadata.items()
    }
    table = str(shown["pictures"].value)
    assert table.count("data:image/") == PICTURES
    with house.environment.engine.connect() as connection:
        for found in connection.execute(sa.select(slot)):
            assert found.s3_key in table
            assert str(found.seed) in table
            assert found.backend in table


def test_log_lines_carry_path_and_job(house: House) -> None:
    run = place(house, RECIPES[0])

    job_id = run.tags["quel/job_id"]
    own = [
        entry.user_message
        for entry in house.instance.all_logs(run.run_id)
        if not entry.is_dagster_event
    ]
    assert own
    assert all(f"fashion job {job_id}" in line for line in own)


def test_a_second_run_with_a_used_ticket_changes_nothing(house: House) -> None:
    customers = house.customers
    house.front_end.place(RECIPES[0].order(customers.person, customers.references, 1))
    tick = house.tick()
    [request] = [house.categories[found.path].run_request(found) for found in tick.let_in()]
    first = house.run(request)
    before = house.row(UUID(first.tags["quel/job_id"]))

    second = house.run(request)

    skipped = house.instance.all_logs(second.run_id, of_type=dg.DagsterEventType.STEP_SKIPPED)
    steps = {entry.dagster_event.step_key for entry in skipped if entry.dagster_event}
    assert steps == {"fashion_specs", "produce", "settle_job"}
    assert house.row(UUID(first.tags["quel/job_id"])) == before
