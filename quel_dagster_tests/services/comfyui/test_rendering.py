"""A prompt from wherever it stands to its end, on a server with every fault it can have."""

import io
from uuid import UUID, uuid4

import pytest
from PIL import Image

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.model.errors import (
    BackendAway,
    PromptRefused,
    RenderFailed,
)
from quel_dagster.services.comfyui import rendering, waiting
from quel_dagster.services.comfyui.found import Running, Unknown, Waiting
from quel_dagster.services.comfyui.graph import Graph
from quel_dagster.services.comfyui.rendering import render
from quel_dagster.services.comfyui.server import ComfyServer
from quel_dagster_tests.services.comfyui.graphs import copying, no_graph, painting, png, saving

SECONDS = 20.0
"""A deadline no test is to reach."""


def executions(comfyui: ComfyUIProcess, prompt_id: UUID) -> int:
    return [entry["prompt_id"] for entry in comfyui.log()].count(str(prompt_id))


def test_a_new_prompt_is_submitted_and_its_picture_fetched(comfy_server: ComfyServer) -> None:
    finished = render(comfy_server, uuid4(), painting, deadline=SECONDS)

    (image,) = finished.images
    assert image.node == "7"
    assert Image.open(io.BytesIO(comfy_server.view(image))).size == (64, 64)


def test_a_finished_prompt_is_taken_as_it_is(
    comfyui: ComfyUIProcess, comfy_server: ComfyServer
) -> None:
    prompt_id = uuid4()
    first = render(comfy_server, prompt_id, painting, deadline=SECONDS)

    assert render(comfy_server, prompt_id, no_graph, deadline=SECONDS) == first
    assert executions(comfyui, prompt_id) == 1


def test_a_prompt_that_somebody_else_submitted_is_waited_for(
    comfyui: ComfyUIProcess, comfy_server: ComfyServer
) -> None:
    ahead, ours = uuid4(), uuid4()
    for prompt_id in (ahead, ours):
        comfy_server.submit(prompt_id, painting(), "an attempt that died")
    assert isinstance(comfy_server.find(ours), Waiting | Running)

    assert render(comfy_server, ours, no_graph, deadline=SECONDS).images
    assert executions(comfyui, ours) == 1


def test_a_submission_whose_reply_was_lost_is_found_and_not_repeated(
    comfyui: ComfyUIProcess, comfy_server: ComfyServer
) -> None:
    comfyui.faults(drop_prompt_reply={"times": 1})
    prompt_id = uuid4()

    assert render(comfy_server, prompt_id, painting, deadline=SECONDS).images
    assert executions(comfyui, prompt_id) == 1


def test_a_submission_that_never_arrived_is_sent_again(
    comfyui: ComfyUIProcess, comfy_server: ComfyServer
) -> None:
    comfyui.faults(drop_connections={"times": 1, "only": "/prompt"})
    prompt_id = uuid4()

    assert render(comfy_server, prompt_id, painting, deadline=SECONDS).images
    assert executions(comfyui, prompt_id) == 1


def test_questions_that_go_unanswered_now_and_then_do_no_harm(
    comfyui: ComfyUIProcess, comfy_server: ComfyServer
) -> None:
    comfyui.faults(http_error={"times": 3, "status": 502})

    assert render(comfy_server, uuid4(), painting, deadline=SECONDS).images


def test_a_silent_websocket_only_makes_it_slower(
    comfyui: ComfyUIProcess, comfy_server: ComfyServer
) -> None:
    comfyui.faults(silent_websocket=True)

    assert render(comfy_server, uuid4(), painting, deadline=SECONDS).images


def test_the_websocket_ends_the_wait_long_before_the_next_question(
    comfy_server: ComfyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "SHORTEST", SECONDS)
    monkeypatch.setattr(waiting, "LONGEST", SECONDS)

    assert render(comfy_server, uuid4(), painting, deadline=SECONDS / 2).images


def test_progress_rises_to_the_end(
    comfy_server: ComfyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "SHORTEST", 0.02)
    monkeypatch.setattr(waiting, "LONGEST", 0.02)
    told: list[float] = []

    render(comfy_server, uuid4(), painting, deadline=SECONDS, on_progress=told.append)

    assert len(told) > 2
    assert told == sorted(set(told))
    assert 0 < told[0] < told[-1] <= 1


def test_a_render_that_raises_is_told_with_its_node_and_exception(
    comfyui: ComfyUIProcess, comfy_server: ComfyServer
) -> None:
    comfyui.faults(fail_renders={"exception_type": "RuntimeError", "message": "no such tensor"})

    with pytest.raises(RenderFailed, match="KSampler 5: RuntimeError: no such tensor"):
        render(comfy_server, uuid4(), painting, deadline=SECONDS)


def test_a_server_whose_device_is_lost_is_to_be_avoided_at_once(
    comfyui: ComfyUIProcess, comfy_server: ComfyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "TRIES", 1000)
    comfyui.faults(fail_renders={"message": "CUDA error: device-side assert triggered"})

    with pytest.raises(BackendAway, match=f"{comfy_server.url} lost its device"):
        render(comfy_server, uuid4(), painting, deadline=SECONDS)


def test_a_graph_of_an_unknown_class_is_refused_by_name(comfy_server: ComfyServer) -> None:
    graph: Graph = {**painting(), "9": {"class_type": "NoSuchNode", "inputs": {}}}

    with pytest.raises(PromptRefused, match="NoSuchNode"):
        render(comfy_server, uuid4(), lambda: graph, deadline=SECONDS)


def test_a_graph_that_is_wrong_in_part_is_refused_and_nothing_of_it_runs_on(
    comfyui: ComfyUIProcess, comfy_server: ComfyServer
) -> None:
    graph = {**painting(), **{f"1{key}": node for key, node in copying("gone.png").items()}}
    graph["12"] = saving("11", "Broken half")
    comfyui.faults(render_seconds=1.0)
    comfy_server.submit(uuid4(), painting(), "a stranger")
    prompt_id = uuid4()

    with pytest.raises(PromptRefused, match="LoadImage 11"):
        render(comfy_server, prompt_id, lambda: graph, deadline=SECONDS)

    assert comfy_server.find(prompt_id) == Unknown()


def test_a_picture_whose_name_is_taken_is_used_under_the_name_it_got(
    comfy_server: ComfyServer,
) -> None:
    other = ComfyServer(comfy_server.url)
    name = f"{uuid4()}.png"
    taken = other.upload(name, png("red"))
    ours = comfy_server.upload(name, png("blue"))

    assert taken == f"quel/{name}"
    assert ours != taken
    assert render(comfy_server, uuid4(), lambda: copying(ours), deadline=SECONDS).images
    other.close()
