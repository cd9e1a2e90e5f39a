"""Renders that come to no picture: stopped, too late, or on a server that dies or forgets."""

import itertools
from collections.abc import Callable
from uuid import uuid4

import pytest

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.model.errors import (
    BackendAway,
    RenderFailed,
    RenderLost,
    RenderStopped,
)
from quel_dagster.services.comfyui import patience, rendering
from quel_dagster.services.comfyui.found import ImageFile, Unknown
from quel_dagster.services.comfyui.graph import Graph
from quel_dagster.services.comfyui.rendering import TRIES, fetch, render
from quel_dagster.services.comfyui.server import ComfyServer
from quel_dagster_tests.services.comfyui.graphs import copying, no_graph, painting, png
from quel_dagster_tests.services.comfyui.scripted import Script

SECONDS = 20.0
"""A deadline no test is to reach."""


def meanwhile(act: Callable[[], object]) -> Callable[[], bool]:
    """Something that happens while a render is waited for, which goes on."""
    done: list[object] = []

    def should_stop() -> bool:
        if not done:
            done.append(act())
        return False

    return should_stop


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks away from the job more often than every second."""
    monkeypatch.setattr(patience, "STOP_ASKED_EVERY", 0.1)


def test_a_server_that_lost_its_uploads_is_given_them_again(
    mortal: ComfyUIProcess, frail_server: ComfyServer
) -> None:
    made: list[Graph] = []

    def make_graph() -> Graph:
        made.append(copying(frail_server.upload("a.png", png("red"))))
        return made[-1]

    render(frail_server, uuid4(), make_graph, deadline=SECONDS)
    mortal.stop()
    mortal.start()

    assert render(frail_server, uuid4(), make_graph, deadline=SECONDS).images
    assert len(made) == 3


def test_an_executor_that_hangs_is_given_up_at_the_deadline(
    mortal: ComfyUIProcess, frail_server: ComfyServer
) -> None:
    mortal.faults(hang=True)

    with pytest.raises(BackendAway, match=r"still at the prompt after 0\.5 s; .*restart it"):
        render(frail_server, uuid4(), painting, deadline=0.5)


def test_a_prompt_behind_a_hanging_one_is_taken_back_at_the_deadline(
    mortal: ComfyUIProcess, frail_server: ComfyServer
) -> None:
    mortal.faults(hang=True)
    frail_server.submit(uuid4(), painting(), "client")
    prompt_id = uuid4()

    with pytest.raises(BackendAway, match="had not begun"):
        render(frail_server, prompt_id, painting, deadline=0.5)

    assert frail_server.find(prompt_id) == Unknown()


@pytest.mark.usefixtures("impatient")
def test_a_server_that_dies_while_it_renders_is_away(
    mortal: ComfyUIProcess, frail_server: ComfyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "TRIES", 2)

    with pytest.raises(BackendAway, match=f"{mortal.url} does not answer"):
        render(
            frail_server, uuid4(), painting, deadline=SECONDS, should_stop=meanwhile(mortal.kill)
        )


@pytest.mark.usefixtures("impatient")
def test_a_prompt_that_a_restarted_server_forgot_is_lost(
    mortal: ComfyUIProcess, frail_server: ComfyServer
) -> None:
    def restart() -> None:
        mortal.kill()
        mortal.start()

    with pytest.raises(RenderLost, match="no longer knows the prompt"):
        render(frail_server, uuid4(), painting, deadline=SECONDS, should_stop=meanwhile(restart))


@pytest.mark.usefixtures("impatient")
def test_a_prompt_that_somebody_took_out_of_the_queue_is_lost(
    mortal: ComfyUIProcess, frail_server: ComfyServer
) -> None:
    frail_server.submit(uuid4(), painting(), "a stranger")
    prompt_id = uuid4()

    with pytest.raises(RenderLost):
        render(
            frail_server,
            prompt_id,
            painting,
            deadline=SECONDS,
            should_stop=meanwhile(lambda: frail_server.cancel(prompt_id)),
        )


@pytest.mark.usefixtures("impatient")
def test_a_stopped_render_is_taken_back_and_leaves_a_strangers_prompt_alone(
    comfyui: ComfyUIProcess, comfy_server: ComfyServer
) -> None:
    comfyui.faults(render_seconds=1.0)
    strangers, ours = uuid4(), uuid4()
    comfy_server.submit(strangers, painting(), "a stranger")

    with pytest.raises(RenderStopped):
        render(comfy_server, ours, painting, deadline=SECONDS, should_stop=lambda: True)

    assert comfy_server.find(ours) == Unknown()
    assert render(comfy_server, strangers, no_graph, deadline=SECONDS).images


@pytest.mark.usefixtures("impatient")
def test_a_running_render_is_interrupted_when_it_is_to_stop(
    comfyui: ComfyUIProcess, comfy_server: ComfyServer
) -> None:
    comfyui.faults(render_seconds=3.0)
    prompt_id = uuid4()

    with pytest.raises(RenderStopped):
        render(comfy_server, prompt_id, painting, deadline=SECONDS, should_stop=lambda: True)

    with pytest.raises(RenderFailed, match="interrupted"):
        render(comfy_server, prompt_id, no_graph, deadline=SECONDS)


@pytest.fixture
def image(script: Script) -> ImageFile:
    """A picture on a server that is in trouble."""
    script.answer("/view", b"", status=503)
    return ImageFile(node="1", filename="x.png", subfolder="", kind="output")


def test_a_picture_is_fetched_as_often_as_it_takes_and_not_for_ever(
    script: Script, server: ComfyServer, image: ImageFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "pauses", lambda: itertools.repeat(0.0))
    with pytest.raises(BackendAway, match="answered 503"):
        fetch(server, image)
    assert len(script.asked) == TRIES
    script.answer("/view", b"RIFF")
    assert fetch(server, image) == b"RIFF"


def test_a_picture_that_nobody_wants_any_more_is_not_asked_for_again(
    script: Script, server: ComfyServer, image: ImageFile
) -> None:
    with pytest.raises(RenderStopped):
        fetch(server, image, lambda: True)
    assert len(script.asked) == 1
