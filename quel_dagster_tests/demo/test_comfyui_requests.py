"""What a ComfyUI server refuses, keeps and hands out: graphs, ids, files, facts about itself."""

import json
from typing import cast
from uuid import uuid4

import pytest

from quel_dagster_tests.demo.comfyui_client import (
    GRAPHS,
    Client,
    Graph,
    Json,
    graph,
    last_message,
    pictures,
    png,
)

REFUSALS = cast("list[Json]", json.loads((GRAPHS / "refusals.json").read_text()))
TROUBLE = "500 Internal Server Error\n\nServer got itself in trouble"


def comparable(value: object) -> object:
    """An answer without traces, and with lists in an order of their own: sets have none."""
    match value:
        case dict():
            found = cast("Json", value)
            return {name: comparable(v) for name, v in found.items() if name != "traceback"}
        case list():
            return sorted((comparable(v) for v in cast("list[object]", value)), key=json.dumps)
        case _:
            return value


@pytest.mark.parametrize("refusal", REFUSALS, ids=[str(refusal["case"]) for refusal in REFUSALS])
def test_a_bad_graph_is_refused_as_it_was_recorded(client: Client, refusal: Json) -> None:
    answer = client.http.post("/prompt", json={"prompt": refusal["graph"], "client_id": client.id})

    assert answer.status_code == 400
    assert comparable(answer.json()) == comparable(refusal["answer"])


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        (["1", 99], "tuple index out of range"),
        (["1", "0"], "tuple indices must be integers or slices, not str"),
        ([1, 0], "1"),
    ],
)
def test_a_link_that_makes_no_sense_is_refused(
    client: Client, link: list[object], reason: str
) -> None:
    nodes = graph("empty_save")
    nodes["2"]["inputs"]["images"] = link
    answer = client.http.post("/prompt", json={"prompt": nodes})

    assert answer.status_code == 400
    assert answer.json()["error"]["details"] == f"Exception when validating node: {reason}"


def test_a_partly_bad_graph_runs_without_its_bad_outputs(client: Client) -> None:
    nodes = graph("empty_save")
    nodes["3"] = {"class_type": "LoadImage", "inputs": {"image": "does_not_exist.png"}}
    save: Json = {"images": ["3", 0], "filename_prefix": "t/bad"}
    nodes["4"] = {"class_type": "SaveImage", "inputs": save}
    answer = client.http.post("/prompt", json={"prompt": nodes, "client_id": client.id})

    assert answer.status_code == 200
    assert list(answer.json()["node_errors"]) == ["3"]
    assert answer.json()["node_errors"]["3"]["dependent_outputs"] == ["4"]
    assert list(cast("Json", client.run(nodes)["outputs"])) == ["2"]


@pytest.mark.parametrize(
    "body",
    [
        "not json",
        '{"prompt": null}',
        '{"prompt": [1, 2]}',
        '{"prompt": {"last_node_id": 2, "nodes": [], "version": 0.4}}',
        '{"prompt": {"1": "a string"}}',
        '{"prompt": {"1": {"class_type": "EmptyImage", "inputs": null}}}',
        '{"prompt": {}, "number": "x"}',
        '{"prompt": {}, "number": null}',
    ],
)
def test_a_body_that_is_no_prompt_is_answered_with_500(client: Client, body: str) -> None:
    answer = client.http.post("/prompt", content=body)

    assert (answer.status_code, answer.text) == (500, TROUBLE)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_a_body_without_a_prompt_is_answered_with_400(client: Client) -> None:
    answer = client.http.post("/prompt", json={})

    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "no_prompt")


@pytest.mark.parametrize(
    "prompt_id",
    ["abc", "", 5, "7A71123E-21A1-47F2-B283-456E28CE4660", "7a71123e21a147f2b283456e28ce4660"],
)
def test_a_prompt_id_must_be_a_canonical_uuid(client: Client, prompt_id: object) -> None:
    body = {"prompt": graph("empty_save"), "prompt_id": prompt_id}
    answer = client.http.post("/prompt", json=body)

    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_prompt_id")


def test_a_prompt_keeps_the_id_its_client_chose(client: Client) -> None:
    ours = str(uuid4())
    first = client.run(graph("empty_save"), prompt_id=ours)
    second = client.run(graph("empty_save"), prompt_id=ours)

    assert cast("list[str]", first["prompt"])[1] == ours
    assert pictures(second) != pictures(first)


def test_numbers_in_text_are_numbers(client: Client) -> None:
    nodes = graph("empty_save")
    nodes["1"]["inputs"]["width"] = "72"

    assert client.picture(nodes).size == (72, 48)


def test_an_upload_takes_another_name_only_when_its_bytes_differ(client: Client) -> None:
    name = str(uuid4())
    uploads = [
        client.upload(f"{name}.png", data).json()["name"]
        for data in (png("red"), png("red"), png("blue"), png("blue"))
    ]
    replaced = client.upload(f"{name}.png", png("green"), overwrite="true").json()

    assert uploads == [f"{name}.png", f"{name}.png", f"{name} (1).png", f"{name} (1).png"]
    assert replaced == {"name": f"{name}.png", "subfolder": "", "type": "input"}
    assert client.view({"filename": f"{name}.png", "type": "input"}).getpixel((0, 0)) == (0, 128, 0)


def test_an_upload_into_a_sub_folder_is_loaded_from_there(client: Client) -> None:
    subfolder = f"jobs/{uuid4()}"
    assert client.upload("c.png", png("red"), subfolder=subfolder).json()["subfolder"] == subfolder
    nodes = graph("load_scale_save")
    nodes["1"]["inputs"]["image"] = f"{subfolder}/c.png"

    assert client.picture(nodes).size == (128, 96)


@pytest.mark.parametrize(
    ("form", "status"), [({"subfolder": "../../etc"}, 400), ({"type": "nonsense"}, 500)]
)
def test_an_upload_to_nowhere_is_refused(client: Client, form: dict[str, str], status: int) -> None:
    assert client.upload("c.png", png("red"), **form).status_code == status


def test_an_upload_without_a_file_is_refused(client: Client) -> None:
    parts = {"overwrite": (None, "true")}
    assert client.http.post("/upload/image", files=parts).status_code == 400
    text = {"image": (None, "just text")}
    assert client.http.post("/upload/image", files=text).status_code == 500


def test_a_file_that_is_no_picture_fails_when_it_is_loaded(client: Client) -> None:
    name = f"{uuid4()}.png"
    assert client.upload(name, b"no pixels").status_code == 200
    nodes = graph("load_scale_save")
    nodes["1"]["inputs"]["image"] = name
    entry = client.run(nodes)

    kind, data = last_message(entry)
    assert kind == "execution_error"
    assert (data["node_type"], data["executed"]) == ("LoadImage", [])
    assert data["exception_type"] == "PIL.UnidentifiedImageError"
    assert str(data["exception_message"]).startswith("cannot identify image file")
    assert client.get(f"/api/jobs/{data['prompt_id']}")["status"] == "failed"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 404),
        ({"filename": "nope.png", "type": "input"}, 404),
        ({"filename": "../server.log", "type": "input"}, 400),
        ({"filename": "a.png", "type": "bogus"}, 400),
        ({"filename": "a.png", "type": "input", "subfolder": "../.."}, 403),
    ],
)
def test_a_file_that_is_not_there_is_not_shown(
    client: Client, query: dict[str, str], status: int
) -> None:
    assert client.http.get("/view", params=query).status_code == status


def test_a_preview_is_a_temporary_file(client: Client) -> None:
    (picture,) = pictures(client.run(graph("preview_only")))

    assert (picture["subfolder"], picture["type"]) == ("", "temp")
    assert client.view(picture).size == (64, 64)


def test_a_name_outside_the_output_folder_fails_at_run_time(client: Client) -> None:
    nodes: Graph = graph("empty_save")
    nodes["2"]["inputs"]["filename_prefix"] = "../../outside"
    kind, data = last_message(client.run(nodes))

    assert kind == "execution_error"
    assert "outside the output folder" in str(data["exception_message"])


def test_the_history_is_paged_from_its_end(client: Client) -> None:
    ids = [cast("list[str]", client.run(graph("empty_save"))["prompt"])[1] for _ in range(2)]

    assert list(client.get("/history", max_items=2)) == ids
    assert list(client.get("/history", max_items=1)) == ids[1:]
    assert client.http.get("/history", params={"max_items": "abc"}).status_code == 500


def test_jobs_are_paged_from_the_newest(client: Client) -> None:
    ids = [cast("list[str]", client.run(graph("empty_save"))["prompt"])[1] for _ in range(2)]
    page = client.get("/api/jobs", status="completed", limit=2)

    jobs = cast("list[Json]", page["jobs"])
    assert [job["id"] for job in jobs] == ids[::-1]
    assert "outputs" not in jobs[0]
    assert cast("Json", page["pagination"])["limit"] == 2
    assert client.http.get("/api/jobs", params={"status": "nonsense"}).status_code == 400


def test_a_server_tells_what_it_has(client: Client) -> None:
    system = cast("Json", client.get("/system_stats")["system"])
    assert str(system["comfyui_version"]) >= "0.26"
    assert list(client.get("/object_info/SaveImage")) == ["SaveImage"]
    assert client.get("/object_info/NoSuchNode") == {}
    assert "vae" in client.http.get("/models").json()
    assert client.http.get("/models/no_such_folder").status_code == 404
    assert client.get("/features")["supports_preview_metadata"] is True


@pytest.mark.parametrize("path", ["/prompt", "/queue", "/features", "/object_info/SaveImage"])
def test_every_route_is_there_under_api_too(client: Client, path: str) -> None:
    assert client.get(f"/api{path}") == client.get(path)
