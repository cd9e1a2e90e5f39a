"""A graph is linted when it is loaded and bound by its titles."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from quel_dagster.model.errors import ConfigurationError
from quel_dagster.pipeline.graph import UnsoundWorkflow
from quel_dagster.pipeline.workflow import Workflow
from quel_dagster_tests.pipeline.graphs import MASK, SPEC, Nodes, bind, inputs, node, small_graph


@pytest.fixture
def load(tmp_path: Path) -> Callable[[object], Workflow]:
    def write_and_load(document: object) -> Workflow:
        path = tmp_path / "own.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        return Workflow.load(path)

    return write_and_load


def test_an_operators_own_graph_is_filled_in_by_title(load: Callable[[object], Workflow]) -> None:
    graph = bind(load(small_graph()), "a.png", "b.png", checkpoint="own.safetensors")
    assert inputs(graph, "positive")["text"] == "a red coat"
    assert inputs(graph, "seed")["noise_seed"] == 2**63 - 1
    assert inputs(graph, "checkpoint")["ckpt_name"] == "own.safetensors"
    assert cast("Nodes", graph["8"])["inputs"]["text"] == "ugly"


def test_model_files_of_titles_the_graph_lacks_are_left_alone(
    load: Callable[[object], Workflow],
) -> None:
    workflow = load(small_graph())
    assert bind(workflow, "a.png", "b.png", unet="u") == bind(workflow, "a.png", "b.png")


def test_a_node_that_joined_two_references_gives_way_to_the_one_left(
    load: Callable[[object], Workflow],
) -> None:
    graph = bind(load(small_graph()), "a.png")
    assert "4" not in graph
    assert cast("dict[str, object]", graph["5"]["inputs"])["pixels"] == ["2", 0]


def test_a_missing_reference_joined_with_itself_goes(load: Callable[[object], Workflow]) -> None:
    nodes = rewired("4", image1=["3", 0]) | {"3": node("LoadImage", "reference 1", image="x")}
    del nodes["2"]
    assert not {"3", "4", "5"} & bind(load(nodes)).keys()


def test_nodes_that_only_worked_on_a_missing_reference_go_with_it(
    load: Callable[[object], Workflow],
) -> None:
    graph = bind(load(small_graph()))
    assert graph.keys() == {"1", "6", "7", "8", "9", "10", "11", "12"}
    assert "latent" not in cast("dict[str, object]", graph["7"]["inputs"])


def test_a_graph_that_cannot_do_without_a_reference_says_so(
    load: Callable[[object], Workflow],
) -> None:
    nodes = small_graph()
    cast("dict[str, object]", nodes["10"]["inputs"])["latent_image"] = ["5", 0]
    nodes["9"] = node("ImageScale", "size", width=1, height=1, image=["4", 0])
    cast("dict[str, object]", nodes["5"]["inputs"])["pixels"] = ["9", 0]
    workflow = load(nodes)
    assert bind(workflow, "a.png").keys() >= {"5", "9", "10"}
    with pytest.raises(ConfigurationError, match="cannot do without reference 1"):
        bind(workflow)


def test_a_titled_loader_that_takes_no_file_is_refused(load: Callable[[object], Workflow]) -> None:
    nodes = small_graph()
    nodes["11"]["_meta"] = {"title": "vae"}
    with pytest.raises(ConfigurationError, match=r"node 11 \(VAEDecode 'vae'\) has no unlinked"):
        bind(load(nodes), "a.png", "b.png", vae="v.st")


def retitled(node_id: str, title: str) -> Nodes:
    return small_graph() | {node_id: small_graph()[node_id] | {"_meta": {"title": title}}}


def rewired(node_id: str, **changed: object) -> Nodes:
    nodes = small_graph()
    cast("dict[str, object]", nodes[node_id]["inputs"]).update(changed)
    return nodes


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ([], "is not a JSON object"),
        ({"nodes": [], "links": []}, r"in the editor's own format; .*Export \(API\)"),
        ({"1": [], "2": {"class_type": "A", "inputs": {}}}, "node 1: value: Input should be"),
        ({k: v | {"_meta": {}} for k, v in small_graph().items()}, "no node has a title"),
        ({k: v for k, v in small_graph().items() if k != "6"}, "conditioning links to node 6"),
        (retitled("6", "prompt"), "no node is titled 'positive'"),
        (retitled("10", "sampler"), "no node is titled 'seed'"),
        (retitled("8", "positive"), r"node 6 \(.*\) and node 8 \(.*\) have the same title"),
        (retitled("3", "reference 3"), "no node is titled 'reference 2'"),
        (retitled("3", "reference 1"), "have the same title"),
        (
            retitled("8", "Negative"),
            r"node 8 \(.*\) is not found by its title; write it 'negative'",
        ),
        (retitled("3", "Reference_2"), "write it 'reference 2'"),
        (retitled("3", "reference 02"), "write it 'reference 2'"),
        (retitled("3", "MASK "), "write it 'mask'"),
        (retitled("11", "negative"), r"node 11 \(VAEDecode 'negative'\) has no unlinked input"),
        (rewired("9", width=["1", 0]), r"node 9 \(.*'size'\) has no unlinked input width"),
        (rewired("5", vae=["1"]), r"node 5 \(VAEEncode\): vae is \['1'\], not a link"),
        (rewired("5", vae=[1, 2]), "not a link"),
        (rewired("5", vae=["1", "2"]), "not a link"),
        (rewired("5", vae=["1", True]), "not a link"),
        (rewired("5", vae=["1", 99]), "links to output 99"),
        (rewired("5", vae=["1", -1]), "links to output -1"),
        (rewired("6", clip=["12", 0]), "feed each other in a circle"),
        (small_graph() | {"20": {"class_type": "EmptyImage"}}, "node 20: inputs: Field required"),
        (
            small_graph() | {"20": {"inputs": {}, "_meta": {"title": "my node"}}},
            "node 20 .'my node'.: class_type: Field required",
        ),
        (small_graph() | {"20": "a note"}, "node 20: "),
        (
            small_graph() | {"20": node("EmptyImage")},
            r"node 20 \(EmptyImage\) does not lead to the output; remove it",
        ),
        (
            small_graph() | {"20": node("PreviewImage", images=["11", 0])},
            r"node 20 \(PreviewImage\) does not lead to the output",
        ),
        (
            rewired("12", images=["20", 0]) | {"20": node("SaveImage", images=["11", 0])},
            r"node 20 \(SaveImage\) is a second output",
        ),
    ],
)
def test_an_unsound_workflow_is_refused_by_file_node_and_remedy(
    load: Callable[[object], Workflow], document: object, complaint: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"own.json: .*{complaint}"):
        load(document)


def test_everything_that_is_wrong_with_a_file_is_told_at_once(
    load: Callable[[object], Workflow],
) -> None:
    nodes = retitled("6", "prompt") | {"9": node("EmptyLatentImage", "size", width=64)}
    nodes["20"] = {"class_type": "EmptyImage"}
    cast("dict[str, object]", nodes["5"]["inputs"])["vae"] = ["30", 0]
    with pytest.raises(UnsoundWorkflow) as found:
        load(nodes)
    assert found.value.problems == (
        "node 20: inputs: Field required",
        "node 5 (VAEEncode): vae links to node 30, which is missing",
        "no node is titled 'positive'; give that title to the node it means",
        "node 9 (EmptyLatentImage 'size') has no unlinked input height",
    )


def test_a_link_to_a_node_that_cannot_be_read_is_not_a_second_problem(
    load: Callable[[object], Workflow],
) -> None:
    with pytest.raises(UnsoundWorkflow) as found:
        load(small_graph() | {"13": {"class_type": "VAELoader"}})
    assert found.value.problems == ("node 13: inputs: Field required",)


def masked_graph() -> Nodes:
    """The small graph, its latent noise kept under a mask."""
    nodes = rewired("10", latent_image=["15", 0])
    nodes["14"] = node("LoadImageMask", "mask", image="x.png", channel="red")
    nodes["15"] = node("SetLatentNoiseMask", "", samples=["9", 0], mask=["14", 0])
    return nodes


def bind_unmasked(workflow: Workflow) -> Nodes:
    graph = workflow.bind(SPEC, references=["a.png"], filename_prefix="x", models={})
    return cast("Nodes", graph)


def test_a_mask_is_filled_in_by_title(load: Callable[[object], Workflow]) -> None:
    graph = bind(load(masked_graph()), "a.png")
    assert inputs(graph, "mask") == {"image": MASK, "channel": "red"}


def test_a_mask_node_that_can_be_done_without_goes_where_there_is_no_mask(
    load: Callable[[object], Workflow],
) -> None:
    nodes = small_graph() | {"14": node("LoadImageMask", "mask", image="x.png", channel="red")}
    nodes["15"] = node("EmptyImage")
    nodes["16"] = node("ImageCompositeMasked", mask=["14", 0], source=["11", 0])
    cast("dict[str, object]", nodes["16"]["inputs"])["destination"] = ["15", 0]
    cast("dict[str, object]", nodes["12"]["inputs"])["images"] = ["16", 0]
    graph = bind_unmasked(load(nodes))
    assert "14" not in graph
    assert "mask" not in cast("dict[str, object]", graph["16"]["inputs"])


def test_a_mask_node_that_cannot_be_done_without_says_so(
    load: Callable[[object], Workflow],
) -> None:
    with pytest.raises(ConfigurationError, match="cannot do without reference 2 or mask"):
        bind_unmasked(load(masked_graph()))


def test_a_mask_for_a_graph_without_a_mask_node_is_refused(
    load: Callable[[object], Workflow],
) -> None:
    workflow = load(small_graph())
    with pytest.raises(ConfigurationError, match="takes no mask; add a LoadImageMask node titled"):
        workflow.bind(SPEC, references=[], filename_prefix="x", models={}, mask="m.png")


def test_a_graph_for_words_alone_serves_orders_of_words_alone(
    load: Callable[[object], Workflow],
) -> None:
    nodes = {key: value for key, value in small_graph().items() if key not in {"2", "3", "4", "5"}}
    del cast("dict[str, object]", nodes["7"]["inputs"])["latent"]
    del nodes["13"]
    cast("dict[str, object]", nodes["11"]["inputs"])["vae"] = ["1", 2]
    workflow = load(nodes)
    assert bind(workflow).keys() == nodes.keys()
    with pytest.raises(
        ConfigurationError, match="takes 0 reference pictures, the order has 1; add"
    ):
        bind(workflow, "a.png")


def test_a_workflow_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"lost\.json: cannot be read"):
        Workflow.load(tmp_path / "lost.json")
