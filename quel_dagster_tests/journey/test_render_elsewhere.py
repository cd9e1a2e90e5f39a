"""Servers that fail, die, hang or fall silent: another makes the picture, or a later attempt."""

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster_tests.journey.moments import (
    Build,
    decisions,
    ends,
    is_rendering,
    once,
    order,
    renders,
    serve_again,
    slots,
)


def test_a_picture_that_fails_on_one_server_is_made_on_another(
    build: Build, comfyui: ComfyUIProcess, second: ComfyUIProcess
) -> None:
    house = build("renders: 2", comfyui, second)
    comfyui.faults(fail_renders=True)
    job_id = order(house)
    house.serve()
    assert ends(house, job_id) == ("completed", 1, 0, 20)
    assert (renders(comfyui, job_id), renders(second, job_id)) == (["error"], ["success"])
    assert slots(house, job_id)[0]["backend"] == second.url


def test_a_server_that_dies_costs_one_render_and_no_attempt_where_there_is_another(
    build: Build, comfyui: ComfyUIProcess, second: ComfyUIProcess
) -> None:
    house = build("renders: 2", second, comfyui)
    second.faults(render_seconds=30)
    job_id = order(house, 2)
    with once(is_rendering(second, job_id), second.kill):
        [run] = house.serve()
    assert run.is_success
    assert ends(house, job_id) == ("completed", 2, 0, 40)
    assert renders(comfyui, job_id) == ["success", "success"]
    assert [slot["generation"] for slot in slots(house, job_id)] == [1, 0]
    [line] = decisions(house)
    assert line.startswith(f"slot 0, render 1 on {second.url}: ComfyUI at {second.url} does not")
    assert f"{comfyui.url} is asked for it (1 more renders and " in line


def test_a_server_that_hangs_is_left_for_another(
    build: Build, comfyui: ComfyUIProcess, second: ComfyUIProcess
) -> None:
    house = build("renders: 2", second, comfyui, deadline="2s")
    second.faults(hang=True)
    job_id = order(house)
    [run] = house.serve()
    assert run.is_success
    assert ends(house, job_id) == ("completed", 1, 0, 20)
    assert renders(comfyui, job_id) == ["success"]


def test_without_a_budget_a_picture_on_a_server_that_hangs_is_given_up_and_the_next_one_made(
    build: Build, comfyui: ComfyUIProcess, second: ComfyUIProcess
) -> None:
    house = build("renders: 0", second, comfyui, deadline="2s")
    second.faults(hang=True)
    job_id = order(house, 2)
    [run] = house.serve()
    assert run.is_success
    assert ends(house, job_id) == ("completed", 1, 1, 20)
    assert renders(comfyui, job_id) == ["success"]
    assert f"{second.url} was still at the prompt" in slots(house, job_id)[0]["error"]


def test_the_only_server_that_dies_ends_the_attempt_and_the_next_one_renders_anew(
    build: Build, second: ComfyUIProcess
) -> None:
    house = build("renders: 2", second)
    second.faults(render_seconds=30)
    job_id = order(house)
    with once(is_rendering(second, job_id), second.kill):
        [first] = house.serve()
    assert first.is_failure
    assert ends(house, job_id) == ("pending", 0, 0, 0)
    second.start()
    [run] = serve_again(house, job_id)
    assert run.is_success
    assert ends(house, job_id) == ("completed", 1, 0, 20)
    assert renders(second, job_id) == ["success"]
    assert slots(house, job_id)[0]["generation"] == 1
    gone, anew = decisions(house)
    assert "the attempt ends (2 more renders and " in gone
    assert "no longer knows the prompt; it is asked for again (1 more renders and " in anew


def test_the_only_server_that_could_not_be_reached_for_a_while_is_not_asked_twice(
    build: Build, comfyui: ComfyUIProcess
) -> None:
    house = build("renders: 2")
    comfyui.faults(render_seconds=3)
    job_id = order(house)

    def cut_off() -> None:
        comfyui.faults(http_error=True, render_seconds=3)

    with once(is_rendering(comfyui, job_id), cut_off):
        [first] = house.serve()
    assert first.is_failure
    comfyui.faults()
    serve_again(house, job_id)
    assert ends(house, job_id) == ("completed", 1, 0, 20)
    assert renders(comfyui, job_id) == ["success"]
    assert slots(house, job_id)[0]["generation"] == 0


def test_a_picture_whose_fetching_fails_for_a_moment_is_fetched_again_not_made_elsewhere(
    build: Build, comfyui: ComfyUIProcess, second: ComfyUIProcess
) -> None:
    house = build("renders: 0", second, comfyui)
    second.faults(http_error={"only": "/view", "times": 2})
    job_id = order(house)
    [run] = house.serve()
    assert run.is_success
    assert ends(house, job_id) == ("completed", 1, 0, 20)
    assert (renders(second, job_id), renders(comfyui, job_id)) == (["success"], [])
    assert decisions(house) == []
