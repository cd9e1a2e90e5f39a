"""`quel explain` for jobs on every path, in every state, and for those that are refused."""

from typing import cast
from uuid import uuid4

import pytest
import sqlalchemy as sa

from quel_dagster.model.job import Payer
from quel_dagster.services import tables
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import place
from quel_dagster_tests.cli.explained import SUIT, as_json, explain, lines, told
from quel_dagster_tests.services.store.jobs import change, deliver, planned


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("eats", "eats, because the order names it"),
        (" Eats ", "eats, because the order names it"),
        (None, "fashion, the fallback, because the order names none"),
        ("comics", "fashion, the fallback, because nobody serves 'comics'"),
        ("multiview", "none serves it: path multiview is served elsewhere"),
    ],
)
def test_the_rule_that_routed_it_is_told(
    shelf: sa.Engine, payer: Payer, path: str | None, expected: str
) -> None:
    assert told(place(shelf, payer, path=path), "path") == expected


def test_an_input_that_is_no_order_is_told(shelf: sa.Engine, payer: Payer) -> None:
    job_id = place(shelf, payer, input=["a list"])
    assert told(job_id, "path").startswith(
        "none serves it: job_input_data is a JSON array; expected"
    )


def test_a_wrong_field_is_told_by_its_place(shelf: sa.Engine, payer: Payer) -> None:
    job_id = place(shelf, payer, input=SUIT | {"combinations": [{}, {"quantity": "three"}]})
    expected = 'combinations[1].quantity expected a whole number of 1 or more, got "three"'
    assert told(job_id, "wrong") == expected
    assert told(job_id, "path") == "fashion, because the order names it"
    wrong = {
        "field": "combinations[1].quantity",
        "problem": 'expected a whole number of 1 or more, got "three"',
    }
    assert as_json(job_id)["wrong"] == [wrong]
    assert as_json(job_id)["pictures"] == []


def test_everything_that_a_category_refuses_is_told(shelf: sa.Engine, payer: Payer) -> None:
    effects = [{"fx": "sparkle", "quantity": 2}, {"fx": "none"}, {"fx": "glitter"}]
    job_id = place(
        shelf,
        payer,
        path="cartoon",
        total_images=4,
        input={"prompt": "a fox", "combinations": effects},
    )
    wrong = cast("list[dict[str, str]]", as_json(job_id)["wrong"])
    assert [each["field"] for each in wrong] == ["combinations[0].fx", "combinations[2].fx"]
    assert lines(explain(job_id))[1].startswith("  state ")


def test_a_job_that_was_served_is_told_with_its_pictures(shelf: sa.Engine, store: JobStore) -> None:
    job = planned(store, shelf, pictures=2)
    deliver(store, job, 0)
    store.give_up(job.ticket, 1, "ComfyUI ran out of memory")
    state = told(job.id, "state")
    assert state.startswith("processing, 1 of 2 pictures delivered, attempt 1, placed ")
    assert "so far" in lines(explain(job.id))
    assert told(job.id, "picture 1").startswith("delivered, generated-images/user-")
    assert told(job.id, "picture 2") == "failed, ComfyUI ran out of memory"


@pytest.mark.parametrize("status", ["processing", "completed", "failed", "user_cancelled", None])
def test_a_job_in_any_state_is_told(shelf: sa.Engine, payer: Payer, status: str | None) -> None:
    job_id = place(shelf, payer, input=SUIT, total_images=3)
    change(shelf, tables.job, job_id, job_status=status, error_message="S3 was away")
    assert told(job_id, "state").startswith(f"{status or 'without a status'}, 0 of 3 pictures")
    assert told(job_id, "because") == "S3 was away"
    assert told(job_id, "asked for").startswith("angle front, shot full")


def test_a_job_keeps_the_path_of_its_attempt(shelf: sa.Engine, store: JobStore) -> None:
    job = planned(store, shelf)
    change(shelf, tables.job, job.id, quel_production_path="multiview")
    assert told(job.id, "path") == "fashion, because the order names it"


@pytest.mark.usefixtures("shelf")
def test_an_unknown_job_is_an_error() -> None:
    stranger = uuid4()
    done = explain(stranger)
    assert (done.exit_code, done.stdout) == (1, f"unknown: there is no job {stranger}\n")
