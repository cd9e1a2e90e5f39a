"""Small graphs in API format that the stand-in runs, and a picture for them."""

import io
from uuid import uuid4

import pytest
from PIL import Image

from quel_dagster.services.comfyui.graph import Graph


def painting(*, title: str = "Result") -> dict[str, object]:
    """A sampler of ten steps, interruptible between them; no two are served from the cache."""
    return {
        "1": node("CheckpointLoaderSimple", ckpt_name="v1-5-pruned-emaonly-fp16.safetensors"),
        "2": node("CLIPTextEncode", text="a red dress", clip=["1", 1]),
        "3": node("CLIPTextEncode", text="blurry", clip=["1", 1]),
        "4": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "5": node(
            "KSampler",
            seed=uuid4().int % 2**32,
            steps=10,
            cfg=7.0,
            sampler_name="euler",
            scheduler="normal",
            denoise=1.0,
            model=["1", 0],
            positive=["2", 0],
            negative=["3", 0],
            latent_image=["4", 0],
        ),
        "6": node("VAEDecode", samples=["5", 0], vae=["1", 2]),
        "7": saving("6", title),
    }


def copying(upload: str) -> Graph:
    """Loads an uploaded picture and saves it."""
    return {"1": node("LoadImage", image=upload), "2": saving("1", "Copy")}


def saving(source: str, title: str) -> dict[str, object]:
    prefix = f"{uuid4()}/x"
    return node("SaveImage", images=[source, 0], filename_prefix=prefix) | {
        "_meta": {"title": title}
    }


def node(class_type: str, **inputs: object) -> dict[str, object]:
    return {"class_type": class_type, "inputs": inputs}


def no_graph() -> Graph:
    """For a prompt that is there already."""
    pytest.fail("a prompt that is there already was submitted again")


def png(colour: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), colour).save(buffer, "PNG")
    return buffer.getvalue()
