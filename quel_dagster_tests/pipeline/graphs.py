"""A small graph for the tests, and what can be read off a bound one."""

from typing import cast

from quel_dagster.model.spec import Scene, Spec
from quel_dagster.pipeline.workflow import Workflow

MASK = "mask.png"
Nodes = dict[str, dict[str, object]]

SPEC = Spec(
    slot=3,
    scene=Scene(description="a red coat", never=("grid",)),
    width=896,
    height=1088,
    seed=2**63 - 1,
)


def node(class_type: str, title: str = "", **inputs: object) -> dict[str, object]:
    return {"inputs": inputs, "class_type": class_type, "_meta": {"title": title}}


def small_graph() -> Nodes:
    """A whole graph in the older style: a checkpoint, and references stitched to one picture."""
    return {
        "1": node("CheckpointLoaderSimple", "checkpoint", ckpt_name="a.safetensors"),
        "2": node("LoadImage", "reference 1", image="x.png"),
        "3": node("LoadImage", "reference 2", image="x.png"),
        "4": node("ImageBatch", "", image1=["2", 0], image2=["3", 0]),
        "5": node("VAEEncode", "", pixels=["4", 0], vae=["13", 0]),
        "6": node("CLIPTextEncode", "positive", text="", clip=["1", 1]),
        "7": node("ReferenceLatent", "", conditioning=["6", 0], latent=["5", 0]),
        "8": node("CLIPTextEncode", "", text="ugly", clip=["1", 1]),
        "9": node("EmptyLatentImage", "size", width=64, height=64, batch_size=1),
        "10": node(
            "KSamplerAdvanced",
            "seed",
            noise_seed=0,
            model=["1", 0],
            positive=["7", 0],
            negative=["8", 0],
            latent_image=["9", 0],
        ),
        "11": node("VAEDecode", "", samples=["10", 0], vae=["1", 2]),
        "12": node("SaveImage", "output", filename_prefix="x", images=["11", 0]),
        "13": node("VAELoader", "", vae_name="pixel_space"),
    }


def bind(workflow: Workflow, *references: str, **models: str) -> Nodes:
    """With the mask `MASK` where the workflow takes one."""
    mask = MASK if "mask" in workflow.ids else None
    graph = workflow.bind(
        SPEC, references=references, filename_prefix="quel/3", models=models, mask=mask
    )
    return cast("Nodes", graph)


def inputs(graph: Nodes, title: str) -> dict[str, object]:
    found = [n["inputs"] for n in graph.values() if n["_meta"] == {"title": title}]
    assert len(found) == 1, title
    return cast("dict[str, object]", found[0])
