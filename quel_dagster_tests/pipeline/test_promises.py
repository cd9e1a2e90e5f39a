"""What the server before us got wrong about making pictures (W-31 to W-34, W-47, W-49), in runs."""

from collections.abc import Mapping
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.demo.front_end import NewOrder
from quel_dagster.model.errors import StorageAway
from quel_dagster.model.job import prompt_id
from quel_dagster.pipeline import rendering
from quel_dagster.services.tables import attach
from quel_dagster_tests.house import House
from quel_dagster_tests.journey.moments import ends, logged, renders, serve_again, slots
from quel_dagster_tests.pipeline.painted import FORMATS, picture

VIEWS = [("front", "straight from the front"), ("side", "from the side"), ("back", "from behind")]


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "PAUSE", 0.01)


def place(house: House, document: Mapping[str, object], total: int, **columns: str) -> UUID:
    """An order of the sample person for so many pictures; rung for."""
    order = NewOrder(
        path=columns.get("path", "fashion"),
        input={"basePrompt": "linen suit", "aspect-ratio": "1:1", **document},
        payer=house.customers.person,
        total_images=total,
        job_type=columns.get("job_type", "single_batch"),
    )
    return house.front_end.place(order)


def views(house: House, **document: object) -> UUID:
    """One picture from each side."""
    combinations = [{"angle": angle, "shot": "full", "quantity": 1} for angle, _ in VIEWS]
    return place(house, {"combinations": combinations, **document}, len(VIEWS))


def sent(comfyui: ComfyUIProcess, job_id: UUID, number: int, generation: int = 0) -> list[object]:
    """Words and seed of a picture as ComfyUI was asked for it."""
    prompt = prompt_id(job_id, number, generation)
    history = httpx.get(f"{comfyui.url}/history/{prompt}", trust_env=False).json()
    nodes = {node["_meta"]["title"]: node for node in history[str(prompt)]["prompt"][2].values()}
    return [
        nodes["positive"]["inputs"]["prompt"],
        nodes["negative"]["inputs"]["prompt"],
        nodes["seed"]["inputs"]["seed"],
    ]


@pytest.mark.parametrize("lost", range(3))
def test_w31_a_missing_picture_is_asked_for_again_as_the_same_order(
    house: House, comfyui: ComfyUIProcess, lost: int
) -> None:
    """Production made the last combination again: three back views in place of the front one."""
    job_id = views(house)
    comfyui.faults(fail_renders={"only": f"{job_id}/{lost:03}-", "times": 1})
    house.serve()
    assert ends(house, job_id) == ("completed", 3, 0, 60)
    for number, (_, words) in enumerate(VIEWS):
        assert words in str(sent(comfyui, job_id, number, 1 if number == lost else 0)[0])


def test_w32_every_attempt_sends_the_same_words_and_the_same_seed(
    house: House, comfyui: ComfyUIProcess
) -> None:
    stage = {"prompt": "She turns.", "cameraAngle": "low angle", "shotType": "MS", "quantity": 1}
    job_id = place(house, {"stages": [stage]}, 1, path="cinema", job_type="pipeline_stage")
    comfyui.faults(fail_renders={"times": 2})
    house.serve()
    assert renders(comfyui, job_id) == ["error", "error", "success"]
    first, *others = (sent(comfyui, job_id, 0, generation) for generation in range(3))
    assert others == [first, first]
    assert "low angle view, MS framing" in str(first[0])


def test_w33_a_dead_renderer_costs_a_large_order_few_renders_and_no_false_success(
    house: House, comfyui: ComfyUIProcess
) -> None:
    """Forty pictures cost production 4 400 calls, and the job ended `completed`."""
    comfyui.faults(fail_renders=True, render_seconds=0)
    combinations = [{"angle": "front", "shot": "full", "quantity": 40}]
    job_id = place(house, {"combinations": combinations}, 40)
    house.serve()
    assert ends(house, job_id) == ("failed", 0, 40, 0)
    assert len(renders(comfyui, job_id)) == 40 + house.environment.settings.worker.attempts.renders


def test_w34_a_server_error_is_no_verdict_and_a_number_in_a_text_no_status(
    house: House, comfyui: ComfyUIProcess
) -> None:
    """Production gave up at once on a 503, and took `429` anywhere in a text for a quota."""
    comfyui.faults(http_error={"status": 503, "times": 2})
    first = views(house)
    house.serve()
    while house.row(first)["job_status"] == "pending":
        serve_again(house, first)
    assert ends(house, first) == ("completed", 3, 0, 60)
    comfyui.faults(fail_renders={"message": "node 429: quota of tensors", "times": 1})
    second = views(house)
    house.serve()
    assert ends(house, second) == ("completed", 3, 0, 60)


def test_w47_a_stage_whose_reference_is_missing_fails_alone_and_says_so(house: House) -> None:
    references = house.customers.references
    stages = [
        {"prompt": "one", "individualImageAttachIds": [{"attachId": number, "type": "model"}]}
        for number in (references["model"], 987_654, references["model"])
    ]
    job_id = place(house, {"stages": stages}, 3, job_type="pipeline_stage")
    [run] = house.serve()
    assert run.is_success
    assert ends(house, job_id) == ("completed", 2, 1, 40)
    assert [slot["state"] for slot in slots(house, job_id)] == ["delivered", "failed", "delivered"]
    problem = slots(house, job_id)[1]["error"]
    assert problem.startswith("stages[1].individualImageAttachIds[0]: reference 987654 ")
    assert house.row(job_id)["error_message"] == f"slot 1: {problem}"
    assert f"slot 1 is given up: {problem}" in logged(house)


def test_w47_an_order_that_is_left_without_a_picture_is_failed_with_the_reason(
    house: House, comfyui: ComfyUIProcess
) -> None:
    missing = {"individualImageAttachIds": [{"attachId": 987_654, "type": "background"}]}
    job_id = views(house, **missing)
    [run] = house.serve()
    assert run.is_failure
    assert ends(house, job_id) == ("failed", 0, 3, 0)
    assert renders(comfyui, job_id) == []
    message = house.row(job_id)["error_message"]
    assert message.count("reference 987654 has no file in quel_attach; upload it again") == 1
    assert {slot["error"] for slot in slots(house, job_id)} == {message}


def test_a_reference_that_the_framing_leaves_out_may_be_missing(house: House) -> None:
    given = [
        {"attachId": house.customers.references["model"], "type": "model"},
        {"attachId": 987_654, "type": "shoes"},
    ]
    combinations = [{"shot": shot, "quantity": 1} for shot in ("middle", "full")]
    document = {"individualImageAttachIds": given, "combinations": combinations}
    job_id = place(house, document, 2)
    house.serve()
    assert [slot["state"] for slot in slots(house, job_id)] == ["delivered", "failed"]


@pytest.mark.parametrize("format_", FORMATS)
def test_w49_any_format_that_the_renderer_sends_is_stored_as_webp(format_: str) -> None:
    """Production decoded PNG only, and threw away and paid again for anything else."""
    assert rendering.to_webp(picture(format_=format_))[8:12] == b"WEBP"


def test_w49_a_picture_that_could_not_be_stored_is_stored_later_not_rendered_again(
    house: House, comfyui: ComfyUIProcess
) -> None:
    storage = house.environment.storage
    put, tried = storage.put, list[str]()

    def refuse_once(key: str, data: bytes, content_type: str) -> None:
        tried.append(key)
        if len(tried) == 1:
            raise StorageAway("S3 is away")
        put(key, data, content_type)

    job_id = place(house, {}, 1)
    storage.put = refuse_once
    [first] = house.serve()
    assert first.is_failure
    serve_again(house, job_id)
    assert ends(house, job_id) == ("completed", 1, 0, 20)
    assert renders(comfyui, job_id) == ["success"]
    assert len(tried) == 2
    assert len(set(tried)) == 1, "a second try under the same key leaves no orphan"


def test_a_picture_can_be_made_again_from_the_seed_of_its_slot(
    house: House, comfyui: ComfyUIProcess
) -> None:
    job_id = views(house)
    house.serve()
    seeds = [slot["seed"] for slot in slots(house, job_id)]
    assert seeds == [sent(comfyui, job_id, number)[2] for number in range(3)]
    again = place(
        house,
        {"combinations": [{"angle": "back", "shot": "full", "quantity": 2, "seed": seeds[2]}]},
        2,
    )
    house.serve()
    assert [slot["seed"] for slot in slots(house, again)] == [seeds[2], (seeds[2] + 1) % 2**63]
    assert sent(comfyui, again, 0) == sent(comfyui, job_id, 2)


def test_references_in_any_common_format_and_orientation_reach_the_renderer(house: House) -> None:
    ids: list[int] = []
    for format_ in FORMATS:
        key = f"uploads/{format_}"
        house.environment.storage.put(key, picture(format_=format_), "image/any")
        with house.environment.engine.begin() as tx:
            row = {"attach_file_path": key}
            ids.append(tx.scalar(sa.insert(attach).values(row).returning(attach.c.attach_id)) or 0)
    given = [{"attachId": number, "type": "bag"} for number in ids]
    job_id = place(house, {"individualImageAttachIds": given, "aspect-ratio": "16:9"}, 1)
    house.serve()
    assert ends(house, job_id) == ("completed", 1, 0, 20)
