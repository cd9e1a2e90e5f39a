"""What an operator reads of a refused graph, and what is never sent in the first place."""

import json

import pytest

from quel_dagster.services.comfyui.answers import InputMissing, Reply, refusal
from quel_dagster.services.comfyui.graph import Graph, faults

GRAPH: Graph = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "quel/gone.png"}},
    "2": {
        "class_type": "SaveImage",
        "inputs": {"images": ["1", 0]},
        "_meta": {"title": "Result"},
    },
}


def told(body: object) -> str:
    return str(refusal(Reply.model_validate_json(json.dumps(body)), GRAPH))


def node_error(kind: str, message: str, details: str, class_type: str) -> object:
    errors = [{"type": kind, "message": message, "details": details, "extra_info": {}}]
    return {"errors": errors, "dependent_outputs": ["2"], "class_type": class_type}


MISSING_FIELD = node_error(
    "required_input_missing", "Required input is missing", "filename_prefix", "SaveImage"
)
MISSING_FILE = node_error(
    "custom_validation_failed",
    "Custom validation failed for node",
    "image - Invalid image file: quel/gone.png",
    "LoadImage",
)
FAILED = {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation"}


def test_every_wrong_node_is_named_with_its_field_and_what_is_wrong() -> None:
    text = told({"error": FAILED, "node_errors": {"1": MISSING_FILE, "2": MISSING_FIELD}})

    assert "'Result': Required input is missing (filename_prefix)" in text
    assert "LoadImage 1: Custom validation failed" in text
    assert "quel/gone.png" in text


def test_a_refusal_of_the_whole_graph_gives_the_servers_reason() -> None:
    error = {"type": "missing_node_type", "message": "Node 'X' not found.", "details": "ID '#1'"}

    assert told({"error": error, "node_errors": {}}).endswith("Node 'X' not found. (ID '#1')")


def test_the_older_servers_list_of_no_errors_and_bare_text_are_understood() -> None:
    assert told({"error": "no prompt", "node_errors": []}).endswith("no prompt")


def test_a_refusal_stays_readable_however_much_is_wrong() -> None:
    choices = ", ".join(f"'model_{number}.safetensors'" for number in range(2000))
    long = node_error("value_not_in_list", "Value not in list", f"x: 'y' not in [{choices}]", "L")
    text = told({"error": FAILED, "node_errors": {str(n): long for n in range(20)}})

    assert "x: 'y' not in ['model_0.safetensors'" in text
    assert len(text) < 1000


@pytest.mark.parametrize(
    ("node_errors", "uploading_helps"),
    [
        ({"1": MISSING_FILE}, True),
        ({"1": MISSING_FILE, "2": MISSING_FIELD}, False),
        ({"2": MISSING_FIELD}, False),
    ],
)
def test_a_graph_refused_only_for_a_missing_upload_is_told_apart(
    node_errors: dict[str, object], uploading_helps: bool
) -> None:
    reply = Reply.model_validate_json(json.dumps({"error": FAILED, "node_errors": node_errors}))

    assert isinstance(refusal(reply, GRAPH), InputMissing) is uploading_helps


def test_a_sound_graph_has_no_faults() -> None:
    assert faults(GRAPH) == []


@pytest.mark.parametrize(
    "poison",
    [
        {"class_type": "ImageInvert"},
        {"class_type": "ImageInvert", "inputs": None},
        {"inputs": {}},
        "not a node",
        {"class_type": "ImageInvert", "inputs": {"image": ["404", 0]}},
    ],
)
def test_a_node_that_kills_the_executor_or_fails_the_server_is_named(poison: object) -> None:
    (fault,) = faults({**GRAPH, "9": poison})

    assert "9" in fault


def test_a_graph_saved_for_the_editor_is_no_graph_to_send() -> None:
    assert faults({"last_node_id": 2, "nodes": [{"id": 1}], "links": [], "version": 0.4})
    assert faults({})
