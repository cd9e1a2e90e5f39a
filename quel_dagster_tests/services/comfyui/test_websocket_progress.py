"""What the websocket's messages tell of a prompt."""

import json
from uuid import UUID

import pytest

from quel_dagster.services.comfyui.progress import Progress

OURS = "0684c763-22ca-4a09-bdf2-e4acd6aa3644"
THEIRS = "5450c18b-8f20-402b-adfb-dee407df9d2b"


def hears(progress: Progress, kind: str, **data: object) -> bool:
    return progress.hear(json.dumps({"type": kind, "data": data}))


def state(value: float, most: float) -> dict[str, object]:
    return {"value": value, "max": most, "state": "running"}


@pytest.fixture
def progress() -> Progress:
    return Progress(UUID(OURS))


def test_executing_nothing_more_is_the_end_of_our_prompt(progress: Progress) -> None:
    assert hears(progress, "executing", node=None, prompt_id=OURS)


@pytest.mark.parametrize(
    "message",
    [
        {"type": "executing", "data": {"node": "2", "prompt_id": OURS}},
        {"type": "executing", "data": {"node": None, "prompt_id": THEIRS}},
        {"type": "execution_success", "data": {"prompt_id": OURS}},
        {"type": "assets.seed.paused"},
        {"type": "progress_state", "data": {"prompt_id": OURS, "nodes": {"1": "?"}}},
        ["no object"],
    ],
)
def test_any_other_message_is_not_the_end(progress: Progress, message: object) -> None:
    assert not progress.hear(json.dumps(message))


def test_a_frame_that_is_no_json_is_passed_over(progress: Progress) -> None:
    assert not progress.hear("{")


def test_a_change_of_the_queue_may_be_the_end_of_a_prompt_another_client_sent(
    progress: Progress,
) -> None:
    assert hears(progress, "status", status={"exec_info": {"queue_remaining": 0}})


def test_progress_counts_finished_cached_and_half_done_nodes(progress: Progress) -> None:
    hears(progress, "execution_cached", nodes=["1"], prompt_id=OURS)
    hears(
        progress,
        "progress_state",
        prompt_id=OURS,
        nodes={"1": state(1, 1), "2": state(1.0, 1.0), "3": state(5, 20)},
    )

    assert progress.fraction(nodes=4) == pytest.approx((1 + 1 + 0.25) / 4)


def test_progress_never_falls_and_never_passes_one(progress: Progress) -> None:
    hears(progress, "progress_state", prompt_id=OURS, nodes={"1": state(9, 1), "2": state(1, 1)})
    assert progress.fraction(nodes=1) == 1.0

    hears(progress, "progress_state", prompt_id=OURS, nodes={"1": state(0, 0)})
    assert progress.fraction(nodes=1) == 1.0


def test_the_progress_of_another_prompt_is_not_ours(progress: Progress) -> None:
    hears(progress, "progress_state", prompt_id=THEIRS, nodes={"1": state(1, 1)})

    assert progress.fraction(nodes=2) == 0.0
