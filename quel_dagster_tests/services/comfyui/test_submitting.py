"""Submitting a graph and cancelling it, with the oddities of every version."""

from uuid import UUID, uuid4

import pytest

from quel_dagster.model.errors import BackendAway, PromptRefused, RenderFailed
from quel_dagster.services.comfyui.graph import Graph
from quel_dagster.services.comfyui.server import ComfyServer
from quel_dagster_tests.services.comfyui.scripted import Script

OURS = UUID("0684c763-22ca-4a09-bdf2-e4acd6aa3644")
GRAPH: Graph = {"1": {"class_type": "SaveImage", "inputs": {}, "_meta": {"title": "Result"}}}
MISSING_FILE = {
    "1": {
        "errors": [{"type": "custom_validation_failed", "message": "no", "details": "image"}],
        "class_type": "LoadImage",
    }
}


def accepted(prompt_id: UUID = OURS, node_errors: object = None) -> object:
    return {"prompt_id": str(prompt_id), "number": 0, "node_errors": node_errors or {}}


def test_a_graph_is_sent_with_our_id_and_client_and_nothing_else(
    script: Script, server: ComfyServer
) -> None:
    script.answer("/prompt", accepted())

    server.submit(OURS, GRAPH, "client")

    (request,) = script.asked
    assert request.json == {"prompt": GRAPH, "prompt_id": str(OURS), "client_id": "client"}
    assert "origin" not in request.headers


def test_a_graph_that_would_kill_the_executor_is_never_sent(
    script: Script, server: ComfyServer
) -> None:
    with pytest.raises(PromptRefused, match="ImageInvert 9"):
        server.submit(OURS, {**GRAPH, "9": {"class_type": "ImageInvert"}}, "client")

    assert script.asked == []


def test_a_refused_graph_says_which_node_is_wrong(script: Script, server: ComfyServer) -> None:
    error = {"type": "x", "message": "Required input is missing", "details": "images"}
    body = {"error": error, "node_errors": {"1": {"errors": [error]}}}
    script.answer("/prompt", body, status=400)

    with pytest.raises(PromptRefused, match="'Result': Required input is missing"):
        server.submit(OURS, GRAPH, "client")


def test_what_was_accepted_of_a_partly_invalid_graph_is_cancelled(
    script: Script, server: ComfyServer
) -> None:
    script.answer("/prompt", accepted(node_errors=MISSING_FILE))
    script.answer(f"/api/jobs/{OURS}/cancel", {"cancelled": True})
    script.tells_version("0.33.0")

    with pytest.raises(PromptRefused, match="'Result'"):
        server.submit(OURS, GRAPH, "client")

    assert script.paths[-1] == f"POST /api/jobs/{OURS}/cancel"


def test_a_server_that_gives_an_id_of_its_own_is_told_to_be_updated(
    script: Script, server: ComfyServer
) -> None:
    script.answer("/prompt", accepted(minted := uuid4()))
    script.answer("/queue", b"")
    script.tells_version("0.3.10")

    with pytest.raises(RenderFailed, match=r"update it to 0\.3\.45"):
        server.submit(OURS, GRAPH, "client")

    assert script.asked[-1].json == {"delete": [str(minted)]}


def test_a_500_that_queued_the_prompt_is_no_failure(script: Script, server: ComfyServer) -> None:
    script.answer("/prompt", b"500 Internal Server Error", status=500)
    script.answer("/queue", {"queue_running": [], "queue_pending": [[0, str(OURS)]]})

    server.submit(OURS, GRAPH, "client")

    assert script.paths == ["POST /prompt", "GET /queue"]


def test_a_500_that_queued_nothing_fails_this_render(script: Script, server: ComfyServer) -> None:
    script.answer("/prompt", b"500 Internal Server Error", status=500)
    script.knows_nothing_of(OURS)

    with pytest.raises(RenderFailed, match=server.url):
        server.submit(OURS, GRAPH, "client")


@pytest.mark.parametrize("status", [403, 502, 503])
def test_any_other_answer_means_that_the_server_is_away(
    script: Script, server: ComfyServer, status: int
) -> None:
    script.answer("/prompt", b"<html>", status=status)

    with pytest.raises(BackendAway, match=f"{server.url} answered {status} to POST /prompt"):
        server.submit(OURS, GRAPH, "client")


@pytest.mark.parametrize(
    ("version", "asked"),
    [
        ("0.33.0", [f"/api/jobs/{OURS}/cancel"]),
        ("0.26.0", [f"/api/jobs/{OURS}/cancel"]),
        ("0.25.1", ["/queue", "/interrupt"]),
        ("0.3.57", ["/queue", "/interrupt"]),
        ("0.3.56", ["/queue"]),
        ("", ["/queue"]),
    ],
)
def test_a_prompt_is_cancelled_by_id_in_the_way_the_version_knows(
    script: Script, server: ComfyServer, version: str, asked: list[str]
) -> None:
    script.tells_version(version)
    for path in (f"/api/jobs/{OURS}/cancel", "/queue", "/interrupt"):
        script.answer(path, {})

    server.cancel(OURS)

    posts = [request for request in script.asked if request.method == "POST"]
    assert [request.path for request in posts] == asked
    assert all(str(OURS) in request.path + request.body.decode() for request in posts)
