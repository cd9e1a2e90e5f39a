"""Asking one server and handing it pictures, against a real HTTP server that follows a script."""

import socket
from base64 import b64encode
from uuid import UUID

import pytest

from quel_dagster.model.errors import BackendAway, RenderLost
from quel_dagster.services.comfyui.answers import InputMissing
from quel_dagster.services.comfyui.found import Finished, ImageFile, Running, Unknown
from quel_dagster.services.comfyui.server import ComfyServer
from quel_dagster_tests.services.comfyui.scripted import Script

OURS = UUID("0684c763-22ca-4a09-bdf2-e4acd6aa3644")
IMAGE = ImageFile(node="1", filename="x.png", subfolder="t", kind="output")


def test_the_history_is_read_after_a_queue_that_lacked_the_prompt(
    script: Script, server: ComfyServer
) -> None:
    script.answer("/queue", {"queue_running": [], "queue_pending": []})
    images = [{"filename": "x.png", "subfolder": "t", "type": "output"}]
    entry = {"outputs": {"1": {"images": images}}, "status": {"status_str": "success"}}
    script.answer(f"/history/{OURS}", {str(OURS): entry})

    assert server.find(OURS) == Finished(images=(IMAGE,))
    assert script.paths == ["GET /queue", f"GET /history/{OURS}"]


def test_a_queued_prompt_needs_one_question(script: Script, server: ComfyServer) -> None:
    script.answer("/queue", {"queue_running": [[0, str(OURS), {}, {}, []]], "queue_pending": []})

    assert server.find(OURS) == Running()
    assert script.paths == ["GET /queue"]


def test_the_load_counts_running_and_waiting_prompts(script: Script, server: ComfyServer) -> None:
    script.answer("/prompt", {"exec_info": {"queue_remaining": 3}})

    assert server.load() == 3


def test_a_proxy_of_the_environment_is_not_used(
    script: Script, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    script.answer("/prompt", {"exec_info": {"queue_remaining": 0}})
    server = ComfyServer(address)

    assert server.load() == 0
    server.close()


def test_a_password_is_shown_to_the_server_and_to_nobody_else(script: Script, address: str) -> None:
    server = ComfyServer(address.replace("//", "//user:secret@"))
    script.answer("/prompt", {"exec_info": {"queue_remaining": 0}})
    assert server.load() == 0
    shown = b64encode(b"user:secret").decode()
    assert script.asked[0].headers["authorization"] == f"Basic {shown}"
    assert server.url == address
    script.answer("/queue", b"none of ComfyUI's")
    for ask in (lambda: server.find(OURS), server.classes):
        with pytest.raises(BackendAway) as caught:
            ask()
        assert address.removeprefix("http://") in str(caught.value)
        assert "secret" not in str(caught.value)
    server.close()


def test_a_picture_is_uploaded_once_and_known_by_the_name_the_server_gave(
    script: Script, server: ComfyServer
) -> None:
    script.answer("/upload/image", {"name": "a (1).png", "subfolder": "quel", "type": "input"})

    first = server.upload("a.png", b"\x89PNG")
    again = server.upload("a.png", b"\x89PNG")

    assert first == again == "quel/a (1).png"
    assert script.paths == ["POST /upload/image"]
    assert b'filename="a.png"' in script.asked[0].body
    assert b"\x89PNG" in script.asked[0].body


def test_a_picture_is_uploaded_again_after_a_graph_was_refused_for_lack_of_it(
    script: Script, server: ComfyServer
) -> None:
    script.answer("/upload/image", {"name": "a.png", "subfolder": "quel", "type": "input"})
    error = {"type": "custom_validation_failed", "message": "no", "details": "image"}
    node_errors = {"1": {"errors": [error], "class_type": "LoadImage"}}
    script.answer("/prompt", {"error": "failed", "node_errors": node_errors}, status=400)
    server.upload("a.png", b"\x89PNG")

    with pytest.raises(InputMissing):
        server.submit(OURS, {"1": {"class_type": "LoadImage", "inputs": {}}}, "client")
    server.upload("a.png", b"\x89PNG")

    assert script.paths.count("POST /upload/image") == 2


def test_a_picture_is_fetched_by_all_three_of_its_names(
    script: Script, server: ComfyServer
) -> None:
    script.answer("/view", b"RIFF")

    assert server.view(IMAGE) == b"RIFF"
    assert script.asked[0].path == "/view?filename=x.png&subfolder=t&type=output"


def test_a_picture_that_a_cached_prompt_names_but_that_is_gone_is_lost(
    script: Script, server: ComfyServer
) -> None:
    with pytest.raises(RenderLost, match=r"no longer has x\.png"):
        server.view(IMAGE)


def test_the_version_is_asked_once(script: Script, server: ComfyServer) -> None:
    script.tells_version("0.26.0")

    assert (server.version(), server.version()) == ((0, 26, 0), (0, 26, 0))
    assert len(script.asked) == 1


def test_forgetting_and_freeing_are_wishes(script: Script, server: ComfyServer) -> None:
    server.forget(OURS)
    server.free()

    assert script.asked[0].json == {"delete": [str(OURS)]}
    assert script.asked[1].json == {"unload_models": True, "free_memory": True}


def test_an_address_without_a_server_is_named_with_what_to_do() -> None:
    server = ComfyServer("http://127.0.0.1:9")

    with pytest.raises(BackendAway, match=r"http://127\.0\.0\.1:9 does not answer.*COMFYUI_URLS"):
        server.find(OURS)


def test_a_page_that_is_not_comfyuis_is_not_taken_for_an_answer(
    script: Script, server: ComfyServer
) -> None:
    script.answer("/queue", b"<html>Welcome</html>")

    with pytest.raises(BackendAway, match="is not ComfyUI's"):
        server.find(OURS)


def test_an_unknown_prompt_is_in_neither_place(script: Script, server: ComfyServer) -> None:
    script.knows_nothing_of(OURS)

    assert server.find(OURS) == Unknown()


def test_a_server_that_never_answers_is_away_after_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = ComfyServer(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.1)
        with pytest.raises(BackendAway, match="does not answer"):
            server.find(OURS)
        server.close()
