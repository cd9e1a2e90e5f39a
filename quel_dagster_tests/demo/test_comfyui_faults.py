"""The switches of the stand-in: each breaks what it says, as often as it says, and nothing else.

A real server has none of this, so these tests always start a stand-in.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster_tests.demo.comfyui_client import (
    Client,
    Comfyui,
    events_of,
    graph,
    hear,
    hear_until,
    last_message,
    pictures,
    qwen,
)

MODEL = "another_model.safetensors"


@pytest.fixture
def renderer(stand_in: ComfyUIProcess) -> Iterator[Client]:
    """A client of the stand-in that all tests share; every switch is off."""
    stand_in.faults()
    comfyui = Comfyui(stand_in.url)
    yield comfyui.client()
    comfyui.close()
    stand_in.faults()


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[ComfyUIProcess]:
    """A stand-in of its own, for a test that ends it."""
    with ComfyUIProcess(data=tmp_path, seconds=0.2, models=[MODEL]) as process:
        yield process


@pytest.fixture
def victim(mortal: ComfyUIProcess) -> Iterator[Client]:
    """A client of that one."""
    comfyui = Comfyui(mortal.url)
    yield comfyui.client()
    comfyui.close()


def renders(process: ComfyUIProcess, prompt_id: str) -> list[object]:
    """How each execution of the prompt ended."""
    return [entry["outcome"] for entry in process.log() if entry["prompt_id"] == prompt_id]


def test_a_refused_prompt_is_not_queued(stand_in: ComfyUIProcess, renderer: Client) -> None:
    stand_in.faults(refuse_prompts={"times": 1})
    prompt_id = str(uuid4())
    body = {"prompt": qwen(), "prompt_id": prompt_id}

    assert renderer.http.post("/prompt", json=body).status_code == 400
    assert renderer.http.post("/prompt", json=body).status_code == 200
    with renderer.listening() as socket:
        events_of(socket, renderer.submit(qwen()))
    assert renders(stand_in, prompt_id) == ["success"]


def test_a_failing_render_tells_the_exception_it_was_given(
    stand_in: ComfyUIProcess, renderer: Client
) -> None:
    stand_in.faults(fail_renders={"times": 1, "exception_type": "MyError", "message": "no luck"})
    nodes = qwen(filename_prefix=f"t/{uuid4()}", seed=uuid4().int % 2**63)
    kind, data = last_message(renderer.run(nodes))

    assert kind == "execution_error"
    assert (data["node_type"], data["exception_type"]) == ("KSampler", "MyError")
    assert data["exception_message"] == "no luck\n"
    assert last_message(renderer.run(nodes))[0] == "execution_success"


def test_a_fault_may_strike_some_prompts_only(stand_in: ComfyUIProcess, renderer: Client) -> None:
    stand_in.faults(fail_renders={"only": "/002-"})
    seed = uuid4().int % 2**63
    ends = [
        last_message(renderer.run(qwen(filename_prefix=f"quel/eats/j/{slot:03}-0", seed=seed)))[0]
        for slot in (1, 2, 3)
    ]

    assert ends == ["execution_success", "execution_error", "execution_success"]


def test_a_silent_websocket_hears_its_first_status_only(
    stand_in: ComfyUIProcess, renderer: Client
) -> None:
    stand_in.faults(silent_websocket={"times": 1})
    other = Comfyui(stand_in.url)
    with renderer.listening() as silent, other.client().listening() as socket:
        prompt_id = renderer.submit(qwen(seed=uuid4().int % 2**63))
        hear_until(socket, "status", status={"exec_info": {"queue_remaining": 0}})
        with pytest.raises(TimeoutError):
            hear(silent, seconds=0.2)
    other.close()

    assert pictures(renderer.entry(prompt_id))


@pytest.mark.parametrize("status", [500, 503])
def test_an_http_error_carries_nothing_out(
    stand_in: ComfyUIProcess, renderer: Client, status: int
) -> None:
    stand_in.faults(http_error={"status": status, "times": 1, "only": "/prompt"})
    prompt_id = str(uuid4())
    answer = renderer.http.post("/prompt", json={"prompt": qwen(), "prompt_id": prompt_id})

    assert renderer.get("/queue")["queue_pending"] == []
    assert answer.status_code == status
    assert renders(stand_in, prompt_id) == []


def test_a_dropped_connection_carries_nothing_out(
    stand_in: ComfyUIProcess, renderer: Client
) -> None:
    stand_in.faults(drop_connections={"times": 1})
    prompt_id = str(uuid4())
    with pytest.raises(httpx.TransportError):
        renderer.http.post("/prompt", json={"prompt": qwen(), "prompt_id": prompt_id})

    assert renderer.get(f"/history/{prompt_id}") == {}
    assert renders(stand_in, prompt_id) == []


def test_slow_answers_come_late(stand_in: ComfyUIProcess, renderer: Client) -> None:
    stand_in.faults(slow_answers={"seconds": 0.3, "times": 1})
    started = time.monotonic()
    renderer.get("/prompt")

    assert time.monotonic() - started >= 0.3


def test_a_dropped_reply_leaves_the_prompt_queued_and_run_once(
    stand_in: ComfyUIProcess, renderer: Client
) -> None:
    stand_in.faults(drop_prompt_reply={"times": 1})
    prompt_id = str(uuid4())
    body = {"prompt": qwen(), "prompt_id": prompt_id, "client_id": renderer.id}
    with renderer.listening() as socket:
        with pytest.raises(httpx.ReadTimeout):
            renderer.http.post("/prompt", json=body, timeout=0.2)
        hear_until(socket, "executing", node=None, prompt_id=prompt_id)

    assert pictures(renderer.entry(prompt_id))
    assert len(renders(stand_in, prompt_id)) == 1


def test_the_switches_that_are_on_are_shown_until_they_are_used_up(
    stand_in: ComfyUIProcess, renderer: Client
) -> None:
    stand_in.faults(http_error={"times": 1, "only": "/queue"}, hang=False)

    on = {"http_error": {"times": 1, "only": "/queue", "status": 503}}
    assert renderer.get("/stand-in/faults") == on
    assert renderer.http.get("/queue").status_code == 503
    assert renderer.get("/stand-in/faults") == {}


def test_an_unknown_switch_is_refused(stand_in: ComfyUIProcess) -> None:
    with pytest.raises(httpx.HTTPStatusError):
        stand_in.faults(no_such_switch=True)


def test_the_log_tells_how_each_prompt_ended(stand_in: ComfyUIProcess, renderer: Client) -> None:
    nodes = qwen(filename_prefix="quel/eats/job/001-0", seed=uuid4().int % 2**63)
    renderer.run(nodes)
    renderer.run(nodes)
    first, second = stand_in.log()[-2:]

    assert first["filename_prefix"] == "quel/eats/job/001-0"
    assert isinstance(first["started"], int)
    assert isinstance(first["finished"], int)
    assert first["finished"] - first["started"] >= 200
    assert (first["outcome"], second["outcome"]) == ("success", "cached")


@pytest.mark.parametrize("poisoned", [True, False])
def test_a_dead_executor_starts_a_prompt_and_never_ends_it(
    mortal: ComfyUIProcess, victim: Client, *, poisoned: bool
) -> None:
    nodes = graph("empty_save")
    if poisoned:
        nodes["9"] = {"class_type": "ImageInvert"}  # pyright: ignore[reportArgumentType] - inputs are missing: that is the poison
    else:
        mortal.faults(hang={"times": 1})
    with victim.listening() as socket:
        stuck = victim.submit(nodes)
        hear_until(socket, "execution_start", prompt_id=stuck)
        behind = victim.submit(graph("empty_save"))
        hear_until(socket, "status", status={"exec_info": {"queue_remaining": 2}})
        assert victim.http.post(f"/api/jobs/{stuck}/cancel").json() == {"cancelled": True}
        with pytest.raises(TimeoutError):
            hear(socket, seconds=0.5)

    assert victim.get(f"/api/jobs/{stuck}")["status"] == "in_progress"
    assert victim.http.post(f"/api/jobs/{behind}/cancel").json() == {"cancelled": True}
    assert victim.get("/prompt") == {"exec_info": {"queue_remaining": 1}}
    assert victim.http.get("/system_stats").status_code == 200
    mortal.kill()
    mortal.start()
    assert last_message(victim.run(graph("empty_save")))[0] == "execution_success"


def test_a_process_that_dies_in_a_render_comes_back_without_memory(
    mortal: ComfyUIProcess, victim: Client
) -> None:
    kept = pictures(victim.run(qwen()))[0]
    mortal.faults(die=True)
    with victim.listening() as socket:
        prompt_id = victim.submit(qwen(seed=2))
        with pytest.raises(ConnectionClosedError):
            hear_until(socket, "executing", node=None)
    mortal.wait_until_dead()
    assert not mortal.alive
    mortal.start()

    assert victim.get("/queue") == {"queue_running": [], "queue_pending": []}
    assert victim.get("/history") == {}
    assert victim.http.get(f"/api/jobs/{prompt_id}").status_code == 404
    assert victim.view(kept).size == (512, 384)
    assert mortal.log() == []


def test_a_model_is_refused_unless_the_server_was_given_it(
    mortal: ComfyUIProcess, victim: Client
) -> None:
    body = {"prompt": qwen(unet_name="no_such_model.safetensors")}
    answer = victim.http.post("/prompt", json=body).json()

    (error,) = answer["node_errors"]["1"]["errors"]
    assert error["type"] == "value_not_in_list"
    assert MODEL in error["details"]
    assert pictures(victim.run(qwen(unet_name=MODEL)))
    assert MODEL in victim.http.get("/models/diffusion_models").json()
