"""What became of a prompt, from answers in the shapes that were recorded from real servers."""

import json
from collections.abc import Mapping
from uuid import UUID

import pytest

from quel_dagster.services.comfyui.found import (
    Broken,
    Cause,
    Finished,
    History,
    ImageFile,
    Queue,
    Running,
    Unknown,
    Waiting,
)

OURS = UUID("0684c763-22ca-4a09-bdf2-e4acd6aa3644")
THEIRS = UUID("5450c18b-8f20-402b-adfb-dee407df9d2b")
GRAPH = {
    "1": {"class_type": "EmptyImage", "inputs": {}},
    "2": {"class_type": "KSampler", "inputs": {}, "_meta": {"title": "Sampler"}},
}
SAVED = {"filename": "x_00001_.png", "subfolder": "t", "type": "output"}
PREVIEW = {"filename": "ComfyUI_temp_00001_.png", "subfolder": "", "type": "temp"}
IMAGE = ImageFile(node="9", filename="x_00001_.png", subfolder="t", kind="output")


def queue_of(*, running: UUID | None = None, pending: tuple[UUID, ...] = ()) -> Queue:
    def entry(prompt_id: UUID) -> list[object]:
        return [7, str(prompt_id), GRAPH, {"client_id": "c"}, ["2"]]

    answer = {
        "queue_running": [entry(running)] if running else [],
        "queue_pending": [entry(prompt_id) for prompt_id in pending],
    }
    return Queue.model_validate_json(json.dumps(answer))


def ended(
    outputs: Mapping[str, object], status_str: str = "success", *last: object
) -> Finished | Broken | Unknown:
    messages = [["execution_start", {"prompt_id": str(OURS)}], *last]
    status = {"status_str": status_str, "completed": status_str == "success", "messages": messages}
    return history(
        {"prompt": [7, str(OURS), GRAPH, {}, ["2"]], "outputs": outputs, "status": status}
    )


def history(entry: Mapping[str, object]) -> Finished | Broken | Unknown:
    return History.model_validate_json(json.dumps({str(OURS): entry})).find(OURS)


def failed(exception_type: str, message: str) -> Broken:
    data = {
        "node_id": "2",
        "node_type": "KSampler",
        "exception_type": exception_type,
        "exception_message": message,
        "traceback": ["…"],
    }
    found = ended({}, "error", ["execution_error", data])
    assert isinstance(found, Broken)
    return found


def test_a_prompt_is_running_waiting_or_not_in_the_queue() -> None:
    queue = queue_of(running=OURS, pending=(THEIRS,))

    assert queue.find(OURS) == Running()
    assert queue.find(THEIRS) == Waiting()
    assert queue_of(pending=(THEIRS,)).find(OURS) == Unknown()


def test_a_number_that_is_not_json_in_a_strangers_entry_does_not_hide_ours() -> None:
    text = f'{{"queue_running": [], "queue_pending": [[NaN, "x", {{}}], [1, "{OURS}", {{}}]]}}'

    assert Queue.model_validate_json(text).find(OURS) == Waiting()


def test_an_empty_history_says_nothing_about_a_prompt() -> None:
    assert History.model_validate_json("{}").find(OURS) == Unknown()


def test_a_finished_prompt_names_its_pictures_and_the_nodes_that_made_them() -> None:
    assert ended({"9": {"images": [SAVED]}}) == Finished(images=(IMAGE,))


def test_a_preview_counts_only_where_nothing_was_saved() -> None:
    both = ended({"8": {"images": [PREVIEW]}, "9": {"images": [SAVED]}})
    alone = ended({"8": {"images": [PREVIEW]}})

    assert both == Finished(images=(IMAGE,))
    assert isinstance(alone, Finished)
    assert [image.kind for image in alone.images] == ["temp"]


def test_a_picture_is_known_by_its_extension_and_not_by_the_key_it_lies_under() -> None:
    video = {"filename": "film.mp4", "subfolder": "", "type": "output"}
    found = ended(
        {
            "3": {"text": ["64"], "images": [video], "animated": [True]},
            "4": None,
            "9": {"gifs": [SAVED]},
        }
    )

    assert found == Finished(images=(IMAGE,))


def test_a_graph_that_made_no_picture_is_finished_without_one() -> None:
    assert ended({"3": {"text": ["64"]}}) == Finished(images=())


def test_an_error_names_the_node_by_its_title_and_what_it_raised() -> None:
    assert failed("RuntimeError", "mat1 and mat2\n do not match\n") == Broken(
        message="'Sampler': RuntimeError: mat1 and mat2 do not match", cause=Cause.ERROR
    )


def test_pictures_saved_before_an_error_are_not_a_result() -> None:
    data = {"node_id": "2", "exception_type": "RuntimeError", "exception_message": "no"}
    found = ended({"9": {"images": [SAVED]}}, "error", ["execution_error", data])

    assert isinstance(found, Broken)


def test_an_interruption_is_told_from_an_error_by_the_last_message() -> None:
    found = ended({}, "error", ["execution_interrupted", {"node_id": "2"}])

    assert found == Broken(message="the render was interrupted", cause=Cause.INTERRUPTED)


@pytest.mark.parametrize(
    ("exception_type", "message", "cause"),
    [
        ("torch.OutOfMemoryError", "Allocation on device", Cause.OUT_OF_MEMORY),
        ("RuntimeError", "DefaultCPUAllocator: can't allocate memory", Cause.OUT_OF_MEMORY),
        ("RuntimeError", "CUDA error: out of memory", Cause.OUT_OF_MEMORY),
        ("RuntimeError", "CUDA error: an illegal memory access", Cause.DEVICE_LOST),
        ("PIL.UnidentifiedImageError", "cannot identify image file", Cause.ERROR),
    ],
)
def test_what_a_node_raised_tells_whether_the_server_is_harmed(
    exception_type: str, message: str, cause: Cause
) -> None:
    assert failed(exception_type, message).cause is cause


def test_a_prompt_without_a_status_is_finished_only_if_it_left_a_picture() -> None:
    with_picture = history({"outputs": {"9": {"images": [SAVED]}}, "status": None})
    without = history({"outputs": {}, "status": None})

    assert with_picture == Finished(images=(IMAGE,))
    assert isinstance(without, Broken)


def test_what_only_decorates_a_message_may_change_its_shape() -> None:
    status = {"status_str": "error", "messages": [{"kind": "execution_error"}]}
    found = history({"prompt": {"graph": GRAPH}, "outputs": {}, "status": status})

    assert found == Broken(message="the render ended with an error", cause=Cause.ERROR)


def test_a_very_long_exception_is_cut_to_what_a_person_reads() -> None:
    assert len(failed("RuntimeError", "tensor [0.0, 1.0] " * 1000).message) <= 800
