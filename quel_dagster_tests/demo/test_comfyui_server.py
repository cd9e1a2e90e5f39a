"""Prompts on a ComfyUI server: their events, their history, their place in the queue, their end."""

from typing import cast
from uuid import uuid4

import pytest

from quel_dagster_tests.demo.comfyui_client import (
    Client,
    Comfyui,
    Json,
    events_of,
    graph,
    hear,
    hear_until,
    last_message,
    pictures,
)


def kinds(events: list[tuple[str, Json]]) -> list[tuple[str, object]]:
    """Each event with the node it is about, if any."""
    return [(kind, data["node"]) if "node" in data else (kind, ...) for kind, data in events]


def test_a_fresh_prompt_is_told_in_the_recorded_order(client: Client) -> None:
    with client.listening() as socket:
        events = events_of(socket, client.submit(graph("empty_save")))

    assert kinds(events) == [
        ("execution_start", ...),
        ("execution_cached", ...),
        ("progress_state", ...),
        ("executing", "1"),
        ("progress_state", ...),
        ("progress_state", ...),
        ("executing", "2"),
        ("executed", "2"),
        ("progress_state", ...),
        ("execution_success", ...),
        ("executing", None),
    ]


def test_the_status_counts_prompts_that_wait_and_run(client: Client) -> None:
    with client.listening() as socket:
        prompt_id = client.submit(graph("empty_save"))
        heard = hear_until(socket, "executing", node=None, prompt_id=prompt_id)

    remaining = [data["status"] for kind, data in heard if kind == "status"]
    assert remaining == [{"exec_info": {"queue_remaining": n}} for n in (1, 1, 0)]


def test_the_history_is_there_when_executing_null_arrives(client: Client) -> None:
    nodes = graph("empty_save")
    with client.listening() as socket:
        prompt_id = client.submit(nodes)
        events_of(socket, prompt_id)
    entry = client.entry(prompt_id)

    prompt = cast("list[object]", entry["prompt"])
    assert prompt[1:3] == [prompt_id, nodes]
    assert prompt[4] == ["2"]
    status = cast("Json", entry["status"])
    assert (status["status_str"], status["completed"]) == ("success", True)
    messages = cast("list[tuple[str, Json]]", status["messages"])
    assert [kind for kind, _ in messages] == [
        "execution_start",
        "execution_cached",
        "execution_success",
    ]
    (picture,) = pictures(entry)
    assert (picture["subfolder"], picture["type"]) == ("t", "output")
    assert list(cast("Json", entry["meta"])) == ["2"]


def test_a_job_tells_the_same_as_the_history(client: Client) -> None:
    entry = client.run(graph("empty_save"))
    prompt_id = cast("list[str]", entry["prompt"])[1]
    job = client.get(f"/api/jobs/{prompt_id}")

    assert job["status"] == "completed"
    assert job["outputs"] == entry["outputs"]
    assert job["execution_status"] == entry["status"]
    assert cast("Json", job["preview_output"])["nodeId"] == "2"


def test_the_same_prompt_again_is_answered_with_the_old_files(client: Client) -> None:
    nodes = graph("empty_save")
    first = client.run(nodes)
    with client.listening() as socket:
        prompt_id = client.submit(nodes)
        events = events_of(socket, prompt_id)

    assert kinds(events) == [
        ("execution_start", ...),
        ("execution_cached", ...),
        ("executed", "2"),
        ("progress_state", ...),
        ("execution_success", ...),
        ("executing", None),
    ]
    assert sorted(cast("list[str]", events[1][1]["nodes"])) == ["1", "2"]
    assert pictures(client.entry(prompt_id)) == pictures(first)


def test_another_prefix_runs_the_save_node_only(client: Client) -> None:
    nodes = graph("empty_save")
    client.run(nodes)
    nodes["2"]["inputs"]["filename_prefix"] = f"t/{uuid4()}"
    with client.listening() as socket:
        events = events_of(socket, client.submit(nodes))

    assert events[1][1]["nodes"] == ["1"]
    assert [data["node"] for kind, data in events if kind == "executing"] == ["2", None]


def test_the_number_of_a_file_is_the_highest_in_its_folder_plus_one(client: Client) -> None:
    prefix = f"t/{uuid4()}"
    names: list[object] = []
    for _ in range(2):
        nodes = graph("empty_save")
        nodes["2"]["inputs"]["filename_prefix"] = prefix
        names += [picture["filename"] for picture in pictures(client.run(nodes))]

    assert names == [f"{prefix[2:]}_0000{n}_.png" for n in (1, 2)]


def test_a_client_hears_of_others_no_more_than_the_status(comfyui: Comfyui, client: Client) -> None:
    other = comfyui.client()
    with other.listening() as their_socket, client.listening() as our_socket:
        prompt_id = other.submit(graph("empty_save"))
        events_of(their_socket, prompt_id)
        ours = client.submit(graph("empty_save"))
        heard = hear_until(our_socket, "executing", node=None, prompt_id=ours)

    theirs = {kind for kind, data in heard if data.get("prompt_id") != ours}
    assert theirs == {"status"}


def test_a_prompt_of_nobody_tells_its_progress_to_everybody(client: Client) -> None:
    with client.listening() as socket:
        prompt_id = client.submit(graph("empty_save"), client_id=None)
        ours = client.submit(graph("empty_save"))
        heard = hear_until(socket, "executing", node=None, prompt_id=ours)

    assert {kind for kind, data in heard if data.get("prompt_id") == prompt_id} == {
        "progress_state"
    }


def test_a_client_that_comes_back_is_told_the_node_at_work(comfyui: Comfyui) -> None:
    with comfyui.busy() as busy, comfyui.client().listening(busy.client.id) as socket:
        kind, data = hear(socket)
        busy.client.http.post("/interrupt", json={"prompt_id": busy.prompt_id})
        ends = events_of(socket, busy.prompt_id)
        busy.ended = True

    assert kind == "executing"
    assert list(data) == ["node"]
    assert ends[-1][1]["node"] is None


def test_prompts_run_by_number_and_the_front_comes_first(comfyui: Comfyui, client: Client) -> None:
    with comfyui.busy(), client.listening() as socket:
        last = client.submit(graph("preview_only"))
        dropped = client.submit(graph("preview_only"))
        first = client.submit(graph("preview_only"), number=-1e6)
        second = client.submit(graph("preview_only"), front=True)
        waiting = cast("list[list[object]]", client.get("/queue")["queue_pending"])
        assert {item[1] for item in waiting} == {first, second, dropped, last}
        assert client.get("/prompt") == {"exec_info": {"queue_remaining": 5}}
        assert client.get(f"/api/jobs/{first}")["status"] == "pending"
        client.http.post("/queue", json={"delete": [dropped, "not-there"]})
        client.http.post("/interrupt", json={})
        heard = hear_until(socket, "executing", node=None, prompt_id=last)

    assert [data["prompt_id"] for kind, data in heard if kind == "execution_start"] == [
        first,
        second,
        last,
    ]
    assert client.get(f"/history/{dropped}") == {}
    assert client.http.get(f"/api/jobs/{dropped}").status_code == 404


def test_the_queue_is_cleared_without_touching_the_running_prompt(
    comfyui: Comfyui, client: Client
) -> None:
    with comfyui.busy() as busy:
        client.submit(graph("preview_only"))
        client.http.post("/queue", json={"clear": True})
        queue = client.get("/queue")

    assert queue["queue_pending"] == []
    assert cast("list[list[object]]", queue["queue_running"])[0][1] == busy.prompt_id


def test_an_interrupt_stops_only_the_prompt_it_names(comfyui: Comfyui) -> None:
    with comfyui.busy() as busy:
        interrupt = busy.client.http.post
        assert interrupt("/interrupt", json={"prompt_id": str(uuid4())}).status_code == 200
        assert busy.client.get(f"/history/{busy.prompt_id}") == {}
        assert busy.client.get(f"/api/jobs/{busy.prompt_id}")["status"] == "in_progress"
        assert interrupt("/interrupt", json={"prompt_id": busy.prompt_id}).status_code == 200
        events = busy.end()

    assert kinds(events)[-2:] == [("execution_interrupted", ...), ("executing", None)]
    entry = busy.client.entry(busy.prompt_id)
    assert cast("Json", entry["status"])["status_str"] == "error"
    kind, data = last_message(entry)
    assert (kind, data["node_type"]) == ("execution_interrupted", "ImageBlur")
    assert busy.client.get(f"/api/jobs/{busy.prompt_id}")["status"] == "cancelled"


def test_a_cancel_reaches_running_and_waiting_prompts_and_nothing_else(
    comfyui: Comfyui, client: Client
) -> None:
    with comfyui.busy() as busy:
        waiting = client.submit(graph("preview_only"))
        cancels = [
            client.http.post(f"/api/jobs/{prompt_id}/cancel").json()
            for prompt_id in (waiting, busy.prompt_id, str(uuid4()))
        ]
        busy.end()
        again = client.http.post(f"/api/jobs/{busy.prompt_id}/cancel").json()

    assert [answer["cancelled"] for answer in (*cancels, again)] == [True, True, False, False]
    assert client.get(f"/history/{waiting}") == {}


def test_an_interrupt_while_nothing_runs_is_forgotten(client: Client) -> None:
    client.http.post("/interrupt", json={})

    assert last_message(client.run(graph("empty_save")))[0] == "execution_success"


@pytest.mark.parametrize("path", ["/api/jobs/{}", "/history/{}"])
def test_a_forgotten_prompt_leaves_no_trace(client: Client, path: str) -> None:
    prompt_id = cast("list[str]", client.run(graph("empty_save"))["prompt"])[1]
    client.http.post("/history", json={"delete": [prompt_id]})
    answer = client.http.get(path.format(prompt_id))

    assert answer.json() in ({}, {"error": "Job not found"})
