"""The shipped graphs are what a current ComfyUI accepts."""

from pathlib import Path
from typing import cast

import pytest

from quel_dagster import categories
from quel_dagster.demo.comfyui.catalogue import Catalogue
from quel_dagster.demo.comfyui.graph import parse
from quel_dagster.demo.comfyui.validation import judge
from quel_dagster.model.errors import ConfigurationError
from quel_dagster.pipeline.workflow import Workflow
from quel_dagster_tests.pipeline.graphs import MASK, SPEC, Nodes, bind, inputs

SHIPPED = sorted(Path(categories.__path__[0]).glob("*/workflow.json"))
shipped = pytest.mark.parametrize("path", SHIPPED, ids=[path.parent.name for path in SHIPPED])


@shipped
def test_comfyui_accepts_a_shipped_workflow_with_any_number_of_references(path: Path) -> None:
    workflow = Workflow.load(path)
    fewest = 1 if "mask" in workflow.ids else 0
    for count in range(fewest, 4):
        names = [f"{number}.png" for number in range(count)]
        graph = parse(bind(workflow, *names))
        verdict = judge(graph, Catalogue(), {MASK, *names}.__contains__)
        assert verdict.error is None
        assert verdict.node_errors == {}
        assert len(verdict.outputs) == 1


@shipped
def test_image_and_reference_of_the_same_number_are_connected(path: Path) -> None:
    graph = bind(Workflow.load(path), "a.png", "b.webp", "c.jpg")
    for title in ("positive", "negative"):
        linked = [cast("list[str]", inputs(graph, title)[f"image{n}"])[0] for n in (1, 2, 3)]
        shown = [cast("Nodes", graph[node_id])["inputs"]["image"] for node_id in linked]
        assert shown == ["a.png", "b.webp", "c.jpg"]


@shipped
def test_everything_about_a_picture_is_filled_in(path: Path) -> None:
    graph = bind(Workflow.load(path), "a.png", unet="u.gguf", clip="c.st", vae="v.st")
    assert inputs(graph, "positive")["prompt"] == "a red coat"
    assert inputs(graph, "negative")["prompt"] == "grid"
    assert inputs(graph, "seed")["seed"] == 2**63 - 1
    assert (inputs(graph, "size")["width"], inputs(graph, "size")["height"]) == (896, 1088)
    assert inputs(graph, "output")["filename_prefix"] == "quel/3"
    assert inputs(graph, "reference 1")["image"] == "a.png"
    assert inputs(graph, "unet")["unet_name"] == "u.gguf"
    assert inputs(graph, "clip")["clip_name"] == "c.st"
    assert inputs(graph, "vae")["vae_name"] == "v.st"


@shipped
def test_a_reference_that_is_not_there_leaves_nothing_behind(path: Path) -> None:
    graph = bind(Workflow.load(path), "a.png")
    assert [n["class_type"] for n in graph.values()].count("LoadImage") == 1
    for title in ("positive", "negative"):
        assert {"image1", "image2", "image3"} & inputs(graph, title).keys() == {"image1"}


def test_binding_leaves_the_workflow_as_it_was() -> None:
    workflow = Workflow.load(SHIPPED[0])
    first = bind(workflow, "a.png", unet="other")
    inputs(first, "positive")["prompt"] = "changed"
    cast("list[object]", inputs(first, "output")["images"]).clear()
    assert bind(workflow) == bind(Workflow.load(SHIPPED[0]))


def test_a_change_needs_its_picture_and_its_mask() -> None:
    workflow = Workflow.load(Path(categories.__path__[0]) / "modify" / "workflow.json")
    graph = bind(workflow, "a.png")
    assert inputs(graph, "mask") == {"image": MASK, "channel": "red"}
    with pytest.raises(ConfigurationError, match="cannot do without reference 1 or"):
        bind(workflow)
    with pytest.raises(ConfigurationError, match=r"cannot do without .* or mask, which"):
        workflow.bind(SPEC, references=["a.png"], filename_prefix="", models={})


def test_more_references_than_nodes_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"takes 3 reference pictures, the order has 4"):
        bind(Workflow.load(SHIPPED[0]), "a", "b", "c", "d")
