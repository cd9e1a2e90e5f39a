"""An order posted to the API, all the way to its picture, and what the metrics say of the runs."""

from collections.abc import Iterator

import pytest

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.services.counters import Counter
from quel_dagster_tests.api.serving import Api, serving
from quel_dagster_tests.house import House


@pytest.fixture
def api(house: House) -> Iterator[Api]:
    with serving(house.environment.variables) as api:
        yield api


def counts(house: House, name: Counter) -> dict[tuple[str, str], int]:
    """By path and kind."""
    found = house.environment.store.counters.read()
    return {(each.path, each.kind): each.n for each in found if each.name is name}


def test_an_order_becomes_a_picture_its_customer_can_see(house: House, api: Api) -> None:
    member = house.customers.person.member_id
    given = {"basePrompt": "night market", "combinations": [{"quantity": 2}]}
    placed = api.order(quel_member_id=member, job_input_data=given).json()
    house.serve()
    shown = api.get(f"/api/jobs/{placed['job_id']}").json()
    assert (shown["job_status"], shown["completed_images"]) == ("completed", 2)
    assert len(shown["generated_attach_ids"]) == 2
    text = api.get("/metrics").text
    assert 'quel_jobs_completed_total{kind="all",path="fashion"} 1.0' in text
    assert 'quel_job_run_seconds_count{path="fashion"} 1.0' in text
    assert 'quel_jobs_waiting{path="fashion"} 0.0' in text


def test_each_failure_is_counted_by_its_kind(house: House, comfyui: ComfyUIProcess) -> None:
    wrong = house.order("fashion", {"combinations": 7})
    missing = house.order("beauty", {"individualImageAttachIds": [{"attachId": 10**9}]})
    house.serve()
    comfyui.faults(refuse_prompts={"times": 9})
    house.order("eats", {"basePrompt": "noodles"})
    house.serve()
    comfyui.faults()
    assert house.row(wrong)["job_status"] == house.row(missing)["job_status"] == "failed"
    assert counts(house, Counter.FAILED) == {
        ("fashion", "invalid_job"): 1,
        ("beauty", "invalid_job"): 1,
        ("eats", "prompt_refused"): 1,
    }


def test_a_run_that_finds_its_job_taken_is_counted(house: House) -> None:
    house.order("fashion", {"basePrompt": "a suit"})
    (reservation,) = house.tick().let_in()
    request = house.categories["fashion"].run_request(reservation)
    house.run(request)
    house.run(request)
    assert counts(house, Counter.TICKET_LOST) == {("fashion", "open_job"): 1}
