"""What a server lacks of a graph's needs, by what a real ComfyUI tells of itself."""

import json
from pathlib import Path
from typing import cast

import pytest

from quel_dagster.demo.comfyui.catalogue import Catalogue
from quel_dagster.pipeline.checking import check
from quel_dagster.services.comfyui.classes import NodeClass, ObjectInfo
from quel_dagster_tests.pipeline.graphs import Nodes, node, small_graph

SERVER = "http://127.0.0.1:8188"
MODELS = {"checkpoint": "v1-5-pruned-emaonly-fp16.safetensors"}


@pytest.fixture(scope="module")
def classes() -> dict[str, NodeClass]:
    """Those of ComfyUI 0.33.0, with a few model files."""
    return ObjectInfo.model_validate(Catalogue().object_info([])).root


def problems(
    tmp_path: Path,
    nodes: Nodes,
    classes: dict[str, NodeClass],
    models: dict[str, str] = MODELS,
) -> tuple[str, ...]:
    path = tmp_path / "own.json"
    path.write_text(json.dumps(nodes), encoding="utf-8")
    return check(path, models, {SERVER: classes}).problems


def rewired(node_id: str, **changed: object) -> Nodes:
    nodes = whole_graph()
    cast("dict[str, object]", nodes[node_id]["inputs"]).update(changed)
    return nodes


def whole_graph() -> Nodes:
    """The small graph with everything that a server asks for."""
    nodes = small_graph()
    cast("dict[str, object]", nodes["10"]["inputs"]).update(
        add_noise="enable",
        steps=20,
        cfg=4.0,
        sampler_name="euler",
        scheduler="simple",
        start_at_step=0,
        end_at_step=20,
        return_with_leftover_noise="disable",
    )
    return nodes


def test_nothing_is_said_where_the_server_has_all(
    tmp_path: Path, classes: dict[str, NodeClass]
) -> None:
    assert problems(tmp_path, whole_graph(), classes) == ()


@pytest.mark.parametrize(
    ("nodes", "problem"),
    [
        (
            rewired("12", images=["20", 0]) | {"20": node("Sharpen", image=["11", 0])},
            "node 20 (Sharpen) is of a class that the server does not have; install the custom",
        ),
        (
            small_graph() | {"10": whole_graph()["10"], "11": node("VAEDecode", samples=["10", 0])},
            "node 11 (VAEDecode) lacks the input vae, which the server asks for",
        ),
        (
            rewired("6", image4=["2", 0]),
            "node 6 (CLIPTextEncode 'positive') has an input image4 that the server does not know",
        ),
        (
            rewired("10", sampler_name="eular"),
            "node 10 (KSamplerAdvanced 'seed') asks for sampler_name 'eular', which the server",
        ),
        (
            rewired("11", vae=["1", 3]),
            "node 11 (VAEDecode) links vae to output 3 of node 1, which has 3",
        ),
        (rewired("11", vae=["1", 0]), "node 11 (VAEDecode) links vae (VAE) to MODEL of node 1"),
    ],
)
def test_what_the_server_lacks_is_told_by_node(
    tmp_path: Path, classes: dict[str, NodeClass], nodes: Nodes, problem: str
) -> None:
    (found,) = problems(tmp_path, nodes, classes)
    assert found.startswith(problem)
    assert found.endswith(f"({SERVER})")


def test_a_model_file_is_looked_for_as_the_configuration_names_it(
    tmp_path: Path, classes: dict[str, NodeClass]
) -> None:
    (found,) = problems(tmp_path, whole_graph(), classes, {"checkpoint": "other.safetensors"})
    assert found == (
        "node 1 (CheckpointLoaderSimple 'checkpoint') asks for ckpt_name 'other.safetensors', "
        f"which the server does not have; it has v1-5-pruned-emaonly-fp16.safetensors ({SERVER})"
    )


def test_a_titled_loader_that_takes_no_model_file_is_told(
    tmp_path: Path, classes: dict[str, NodeClass]
) -> None:
    nodes = whole_graph()
    nodes["11"]["_meta"] = {"title": "vae"}
    (found,) = problems(tmp_path, nodes, classes, {"vae": "v.st"})
    assert found.startswith("node 11 (VAEDecode 'vae') has no unlinked input unet_name or ")


def test_pictures_that_are_uploaded_with_the_order_are_not_looked_for(
    tmp_path: Path, classes: dict[str, NodeClass]
) -> None:
    assert problems(tmp_path, rewired("2", image="never.png", upload="image"), classes) == ()


def test_choices_of_the_new_form_and_inputs_below_a_dynamic_one_are_understood(
    tmp_path: Path, classes: dict[str, NodeClass]
) -> None:
    written = ObjectInfo.model_validate(
        {
            "Encode": {
                "input": {
                    "required": {
                        "images": ["IMAGE,MASK", {}],
                        "look": ["COMBO", {"options": ["warm", "cold"]}],
                        "codec": ["COMFY_DYNAMICCOMBO_V3", {"options": []}],
                    },
                    "optional": {"anything": ["*"]},
                },
                "output": [["warm", "cold"], "IMAGE"],
            }
        }
    ).root
    encode = node("Encode", look="mild", images=["11", 0], anything=["1", 0])
    cast("dict[str, object]", encode["inputs"])["codec.quality"] = 90
    nodes = rewired("12", images=["20", 1]) | {"20": encode}
    (found,) = problems(tmp_path, nodes, {**classes, **written})
    assert "asks for look 'mild', which the server does not have; it has warm, cold" in found
