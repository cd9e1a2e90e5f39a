"""What the stand-in draws under a mask: there and nowhere else, as the shipped graph asks it to."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from PIL import Image, ImageChops

from quel_dagster import categories
from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.demo.comfyui.recipe import Patch, read
from quel_dagster.model.spec import Scene, Spec
from quel_dagster.pipeline.workflow import Workflow
from quel_dagster_tests.demo.comfyui_client import Client, Comfyui, Graph, qwen

SIZE = (360, 240)
BOX = (90, 60, 270, 180)
SHIPPED = Path(categories.__path__[0]) / "modify" / "workflow.json"


@pytest.fixture
def renderer(stand_in: ComfyUIProcess) -> Iterator[Client]:
    stand_in.faults(render_seconds=0)
    comfyui = Comfyui(stand_in.url)
    yield comfyui.client()
    comfyui.close()
    stand_in.faults()


def bound(original: str, mask: str, seed: int = 1) -> Graph:
    """The shipped graph as it is sent for two of these files."""
    spec = Spec(slot=0, scene=Scene(description="a button"), width=1248, height=832, seed=seed)
    prefix = "quel/modify/1f2e3d4c/000-0"
    graph = Workflow.load(SHIPPED).bind(
        spec, references=[original], mask=mask, filename_prefix=prefix, models={}
    )
    return cast("Graph", graph)


def uploaded(client: Client, name: str, picture: Image.Image) -> str:
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return str(client.upload(name, stream.getvalue(), overwrite="true").json()["name"])


def original() -> Image.Image:
    return Image.radial_gradient("L").resize(SIZE).convert("RGB")


def masked(box: tuple[int, int, int, int] | None = BOX) -> Image.Image:
    mask = Image.new("L", SIZE)
    if box:
        mask.paste(255, box)
    return mask


def changed(client: Client, mask: Image.Image, seed: int = 1) -> Image.Image:
    """Where the picture differs from its original."""
    names = uploaded(client, "o.png", original()), uploaded(client, "m.png", mask)
    picture = client.picture(bound(*names, seed=seed)).convert("RGB")
    assert picture.size == SIZE
    return ImageChops.difference(picture, original()).convert("L")


def test_outside_the_mask_every_pixel_is_the_originals_and_inside_few_are(
    renderer: Client,
) -> None:
    found = changed(renderer, masked())
    assert found.getbbox() == BOX
    same = found.crop(BOX).histogram()[0]
    assert same < 0.05 * (BOX[2] - BOX[0]) * (BOX[3] - BOX[1])


def test_a_mask_without_white_changes_nothing(renderer: Client) -> None:
    assert changed(renderer, masked(None), seed=2).getbbox() is None


def test_a_mask_of_another_size_lies_over_the_whole_picture(renderer: Client) -> None:
    small = masked().resize((90, 60), Image.Resampling.NEAREST)
    assert changed(renderer, small, seed=3).getbbox() == pytest.approx(BOX, abs=4)


def test_the_shipped_graph_is_read_as_a_patch_and_others_are_not() -> None:
    found = read(bound("o.png", "m.png"), "18")  # pyright: ignore[reportArgumentType] - a node of the tests is a node
    assert found.patch == Patch(destination="o.png", mask="m.png", channel="red")
    assert (found.width, found.height, list(found.references)) == (0, 0, ["o.png"])
    plain = read(qwen({"image1": "a.png"}), "10")  # pyright: ignore[reportArgumentType] - the same
    assert plain.patch is None
