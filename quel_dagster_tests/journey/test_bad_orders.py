"""Every bad order ends as one failed row that says what to do, and the next order is served."""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import pytest
import sqlalchemy as sa

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.model.job import Slot, Ticket
from quel_dagster.model.spec import Spec
from quel_dagster.services.tables import attach, ledger, photo
from quel_dagster_tests.builders import make_member
from quel_dagster_tests.house import House
from quel_dagster_tests.journey.moments import serve_again

GOOD: dict[str, object] = {"basePrompt": "a linen suit", "aspect-ratio": "1:1"}


def attempts_of(house: House, job_id: UUID) -> list[str]:
    """Serves until the job is final; what each failed run told the operator."""
    told: list[str] = []
    while house.row(job_id)["job_status"] in {"pending", "processing"}:
        told += [house.failure(run) for run in house.serve() if run.is_failure]
    return told


def assert_failed(house: House, job_id: UUID, *words: str) -> None:
    row = house.row(job_id)
    assert row["job_status"] == "failed"
    assert row["completed_at"] is not None
    assert row["completed_images"] == 0
    assert row["failed_images"] == 1
    for word in words:
        assert word in row["error_message"]
    with house.environment.engine.connect() as connection:
        of_job = photo.c.production_id == row["production_id"]
        status = connection.scalar(sa.select(photo.c.production_status).where(of_job))
        charged = connection.scalar(
            sa.select(sa.func.count()).where(ledger.c.production_idx == row["production_id"])
        )
    assert status == "failed"
    assert charged == 0


def assert_next_is_served(house: House) -> None:
    job_id = house.order("fashion", GOOD)
    attempts_of(house, job_id)
    assert house.row(job_id)["job_status"] == "completed"


@pytest.mark.parametrize(
    ("path", "order", "words"),
    [
        ("vogue", GOOD, ("'vogue' is not served", "use one of", "fashion")),
        ("fashion", {}, ("job_input_data is empty", "JSON object")),
        ("fashion", "a suit", ("job_input_data is a JSON string", "JSON object")),
        (
            "eats",
            GOOD | {"combinations": [{"angle": "front", "quantity": 0}]},
            ("eats job", "open_job", "combinations[0].quantity", "whole number of 1 or more"),
        ),
        (
            "beauty",
            GOOD | {"individualImageAttachIds": [{"attachId": 987654, "type": "product"}]},
            ("beauty job", "produce", "reference 987654", "upload it again"),
        ),
    ],
    ids=["unknown path", "empty input", "a string", "quantity 0", "missing reference"],
)
def test_a_wrong_order_is_failed_with_advice(
    house: House, path: str, order: object, words: tuple[str, ...]
) -> None:
    job_id = house.order(path, order)

    told = attempts_of(house, job_id)

    assert_failed(house, job_id, *words)
    for failure in told:
        assert failure == house.row(job_id)["error_message"]
        assert str(job_id) in failure
    assert_next_is_served(house)


def test_a_reference_that_is_no_picture_is_named(house: House) -> None:
    house.environment.storage.put("uploads/notes.txt", b"not a picture", "text/plain")
    with house.environment.engine.begin() as tx:
        row = {"attach_file_path": "uploads/notes.txt"}
        number = tx.scalar(sa.insert(attach).values(row).returning(attach.c.attach_id))
    references = [{"attachId": number, "type": "model"}]

    job_id = house.order("fashion", GOOD | {"individualImageAttachIds": references})
    attempts_of(house, job_id)

    assert_failed(house, job_id, f"reference {number}", "not a picture")
    assert_next_is_served(house)


def test_a_graph_that_comfyui_refuses_is_not_tried_again(
    house: House, comfyui: ComfyUIProcess
) -> None:
    comfyui.faults(refuse_prompts=True)
    job_id = house.order("cinema", GOOD)

    told = attempts_of(house, job_id)

    assert len(told) == 1
    assert_failed(house, job_id, "ComfyUI refused the graph")
    comfyui.faults()
    assert_next_is_served(house)


def test_without_any_comfyui_server_the_job_is_tried_again_and_then_failed(
    house: House, comfyui: ComfyUIProcess
) -> None:
    comfyui.stop()
    job_id = house.order("cartoon", GOOD)

    told = attempts_of(house, job_id)

    assert len(told) == house.environment.settings.worker.attempts.max
    assert_failed(house, job_id, comfyui.url, "COMFYUI_URLS", "attempt 2 of 2")
    assert house.row(job_id)["retry_count"] == 1
    comfyui.start()
    assert_next_is_served(house)


def test_without_s3_the_picture_is_rendered_once_and_the_job_failed(
    build_house: Callable[[Mapping[str, str]], House],
    variables: dict[str, str],
    comfyui: ComfyUIProcess,
) -> None:
    house = build_house(variables | {"S3_ENDPOINT_URL": "http://127.0.0.1:9"})
    before = len(comfyui.log())
    job_id = house.order("fashion", GOOD, make_member(house.environment.engine))

    told = attempts_of(house, job_id)

    assert len(told) == 2
    assert_failed(house, job_id, "S3 bucket 'attachments'", "S3_ENDPOINT_URL", "attempt 2 of 2")
    assert len(comfyui.log()) == before + 1


def test_without_credits_nothing_is_delivered_and_nothing_charged(house: House) -> None:
    poor = make_member(house.environment.engine, credit=19)
    job_id = house.order("fashion", GOOD, poor)

    told = attempts_of(house, job_id)

    assert len(told) == 1
    assert_failed(house, job_id, "has 19 credits", "costs 20")


def test_an_error_that_nobody_foresaw_names_path_job_step_and_itself(house: House) -> None:
    def plan(ticket: Ticket, specs: Sequence[Spec]) -> dict[int, Slot]:
        raise KeyError("a bug")

    house.environment.store.plan = plan
    job_id = house.order("fashion", GOOD)
    house.serve()
    serve_again(house, job_id)

    assert_failed(house, job_id)
    assert house.row(job_id)["error_message"] == (
        f"fashion job {job_id}, step produce: KeyError('a bug') (attempt 2 of 2)"
    )
    del house.environment.store.plan
    assert_next_is_served(house)
