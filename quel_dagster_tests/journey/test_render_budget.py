"""Pictures that fail: asked for again within one budget for the whole job, or given up."""

import httpx
import pytest

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.model.errors import StorageAway
from quel_dagster.model.job import prompt_id
from quel_dagster_tests.journey.moments import (
    Build,
    after_delivery,
    decisions,
    ends,
    order,
    renders,
    serve_again,
    slots,
)


def test_a_picture_that_fails_is_asked_for_again_and_every_decision_told(
    build: Build, comfyui: ComfyUIProcess
) -> None:
    house = build("renders: 3, time: 1h")
    comfyui.faults(fail_renders={"times": 2})
    job_id = order(house)
    house.serve()
    assert ends(house, job_id) == ("completed", 1, 0, 20)
    assert renders(comfyui, job_id) == ["error", "error", "success"]
    assert slots(house, job_id)[0]["generation"] == 2
    first, again = decisions(house)
    assert first.startswith(f"slot 0, render 1 on {comfyui.url}: ")
    assert "it is asked for again (2 more renders and " in first
    assert again.startswith(f"slot 0, render 2 on {comfyui.url}: ")
    assert "it is asked for again (1 more renders and " in again


def test_one_budget_serves_all_pictures_and_what_is_left_out_says_why(
    build: Build, comfyui: ComfyUIProcess
) -> None:
    house = build("renders: 2")
    job_id = order(house, 4)
    comfyui.faults(fail_renders={"only": f"{job_id}/000-"})
    after_delivery(
        house, 1, lambda: comfyui.faults(fail_renders={"only": f"{job_id}/002-", "message": "dim"})
    )
    house.serve()
    assert ends(house, job_id) == ("completed", 2, 2, 40)
    assert renders(comfyui, job_id) == ["error"] * 3 + ["success", "error", "success"]
    noted = slots(house, job_id)
    assert [slot["state"] for slot in noted] == ["failed", "delivered", "failed", "delivered"]
    assert [slot["generation"] for slot in noted] == [2, 0, 0, 0]
    assert "was told to fail" in noted[0]["error"]
    assert "dim" in noted[2]["error"]
    message = house.row(job_id)["error_message"]
    assert message == f"slot 0: {noted[0]['error']}; slot 2: {noted[2]['error']}"
    given_up = [line for line in decisions(house) if "is given up" in line]
    assert [line.partition(" is ")[0] for line in given_up] == ["slot 0", "slot 2"]
    assert all("0 more renders and " in line for line in given_up)


@pytest.mark.parametrize("budget", ["renders: 0", "renders: 9, time: 1ms"])
def test_without_a_budget_each_picture_is_rendered_once_and_a_job_without_any_fails(
    build: Build, comfyui: ComfyUIProcess, budget: str
) -> None:
    house = build(budget)
    comfyui.faults(fail_renders=True)
    job_id = order(house, 3)
    [run] = house.serve()
    assert run.is_failure
    assert ends(house, job_id) == ("failed", 0, 3, 0)
    assert renders(comfyui, job_id) == ["error"] * 3
    assert house.row(job_id)["error_message"].count("was told to fail") == 3
    assert house.serve() == []


def test_attempts_share_the_budget(build: Build, comfyui: ComfyUIProcess) -> None:
    """Each picture fails once; S3 goes away for the second one, which ends the first attempt."""
    house = build("renders: 3")
    storage = house.environment.storage
    put = storage.put
    job_id = order(house, 4)

    def fail(number: int, times: int | None = 1) -> None:
        comfyui.faults(fail_renders={"only": f"{job_id}/{number:03}-", "times": times})

    def refuse_once(key: str, data: bytes, content_type: str) -> None:
        if "/001-" in key and len(house.instance.get_runs()) == 1:
            fail(2, times=None)
            raise StorageAway("S3 is away")
        put(key, data, content_type)

    storage.put = refuse_once
    fail(0)
    after_delivery(house, 0, lambda: fail(1))
    [first] = house.serve()
    assert first.is_failure
    after_first = [slot["state"] for slot in slots(house, job_id)]
    assert after_first == ["delivered", "submitted", "planned", "planned"]
    [second] = serve_again(house, job_id)
    assert second.is_success
    assert ends(house, job_id) == ("completed", 3, 1, 60)
    assert renders(comfyui, job_id) == ["error", "success"] * 2 + ["error", "error", "success"]
    assert [slot["generation"] for slot in slots(house, job_id)] == [1, 1, 1, 0]


def test_a_picture_is_asked_for_again_under_the_same_words_and_seed(
    build: Build, comfyui: ComfyUIProcess
) -> None:
    house = build("renders: 2")
    comfyui.faults(fail_renders={"times": 2})
    job_id = order(house, 2)
    house.serve()
    with httpx.Client(base_url=comfyui.url, trust_env=False) as client:
        asked = [
            client.get(f"/history/{prompt}").json()[str(prompt)]["prompt"][2]
            for prompt in (prompt_id(job_id, 0, generation) for generation in range(3))
        ]
    names = {graph_without_name(graph) for graph in asked}
    assert len(names) == 1


def graph_without_name(graph: dict[str, dict[str, dict[str, object]]]) -> str:
    for node in graph.values():
        node["inputs"].pop("filename_prefix", None)
    return str(graph)
