"""What the stand-in draws: a picture that tells by looking at it which order made it."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from PIL import Image, ImageChops

from quel_dagster.demo.comfyui.drawing import draw
from quel_dagster.demo.comfyui.motifs import scheme
from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.demo.comfyui.recipe import Label, Recipe, label, read
from quel_dagster.demo.comfyui.typeface import font, wrap
from quel_dagster_tests.demo.comfyui_client import (
    Client,
    Comfyui,
    graph,
    last_message,
    pictures,
    png,
    qwen,
)

PATHS = ["fashion", "beauty", "eats", "cinema", "cartoon", "a-new-path"]


@pytest.fixture
def renderer(stand_in: ComfyUIProcess) -> Iterator[Client]:
    """A client of the stand-in; a real server cannot draw without weights."""
    stand_in.faults(render_seconds=0)
    comfyui = Comfyui(stand_in.url)
    yield comfyui.client()
    comfyui.close()
    stand_in.faults()


def recipe(**values: object) -> Recipe:
    given: dict[str, object] = {
        "prefix": "",
        "label": Label(path="eats", slot="003", job="1f2e3d4c"),
        "width": 512,
        "height": 384,
        "batch": 1,
        "prompt": "a bowl of rice",
        "seed": 7,
        "references": (),
    }
    return Recipe(**given | values)  # pyright: ignore[reportArgumentType] - one value each


def differ(one: Image.Image, other: Image.Image) -> bool:
    return ImageChops.difference(one.convert("RGB"), other.convert("RGB")).getbbox() is not None


@pytest.mark.parametrize("size", [(1024, 1024), (832, 1216), (1664, 928)])
def test_a_picture_has_the_size_the_graph_asks_for(renderer: Client, size: tuple[int, int]) -> None:
    nodes = qwen(width=size[0], height=size[1], seed=uuid4().int % 2**63)

    assert renderer.picture(nodes).size == size


def test_an_empty_image_has_its_own_size(renderer: Client) -> None:
    assert renderer.picture(graph("empty_save")).size == (64, 48)


def test_the_same_order_gives_the_same_picture_and_another_order_another(renderer: Client) -> None:
    renderer.upload("red.png", png("red"), overwrite="true")
    renderer.upload("blue.png", png("blue"), overwrite="true")
    red, blue = {"image1": "red.png"}, {"image1": "blue.png"}
    other_slot = "quel/cinema/1f2e3d4c/004-0"
    first = renderer.picture(qwen(red))
    renderer.http.post("/free", json={"free_memory": True})

    assert not differ(first, renderer.picture(qwen(red)))
    for other in (
        qwen(red, seed=2),
        qwen(red, prompt="a lighthouse at dawn"),
        qwen(red, filename_prefix=other_slot),
        qwen(blue),
        qwen(),
    ):
        assert differ(first, renderer.picture(other))


def test_a_reference_is_shown_in_its_own_colours(renderer: Client) -> None:
    renderer.upload("lime.png", png("#00ff00"), overwrite="true")
    picture = renderer.picture(qwen({"image1": "lime.png"})).convert("RGB")

    colours = picture.getcolors(maxcolors=picture.width * picture.height)
    assert colours is not None
    assert max((n for n, colour in colours if colour == (0, 255, 0)), default=0) > 500


def test_a_batch_gives_as_many_files(renderer: Client) -> None:
    entry = renderer.run(qwen(batch_size=3, seed=uuid4().int % 2**63))

    assert len({str(picture["filename"]) for picture in pictures(entry)}) == 3


def test_more_pixels_than_memory_fail_at_run_time(renderer: Client) -> None:
    nodes = graph("empty_save")
    nodes["1"]["inputs"] |= {"width": 16384, "height": 16384, "batch_size": 4096}
    kind, data = last_message(renderer.run(nodes))

    assert kind == "execution_error"
    assert "can't allocate memory" in str(data["exception_message"])


def test_a_graph_is_read_from_its_output_up() -> None:
    nodes = qwen({"image1": "a.png", "image2": "b.png"}, prompt="words", seed=42)

    found = read(nodes, "10")  # pyright: ignore[reportArgumentType] - a node of the tests is a node
    assert found.label == Label(path="cinema", slot="003", job="1f2e3d4c", generation=0)
    assert (found.width, found.height, found.batch) == (512, 384, 1)
    assert (found.prompt, found.seed) == ("words", 42)
    assert list(found.references) == ["a.png", "b.png"]


def test_a_foreign_prefix_is_a_label_too() -> None:
    assert label("team/holiday") == Label(path="holiday")
    assert label("") == Label(path="preview")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("size", [(1, 1), (64, 48), (160, 1600), (2048, 256)])
def test_every_path_is_drawn_at_every_size(path: str, size: tuple[int, int]) -> None:
    references = [Image.new("RGB", (300, 500), "red"), Image.new("RGBA", (5000, 1), "blue")]
    order = recipe(
        label=Label(path=path, slot="012", job="1f2e3d4c"),
        width=size[0],
        height=size[1],
        prompt="many words " * 200,
        references=("a", "b"),
    )
    (picture,) = draw(order, references)

    assert picture.size == size


def test_every_path_has_colours_of_its_own() -> None:
    grounds = {(scheme(path).dark, scheme(path).light) for path in PATHS}

    assert len(grounds) == len(PATHS)


def test_words_are_wrapped_into_the_width_and_cut_off_visibly() -> None:
    fitting = font(20)
    lines = wrap("one two three four five " * 20 + "x" * 200, fitting, 200, 5)

    assert len(lines) == 5
    assert all(fitting.getlength(line) <= 200 for line in lines)
    assert lines[-1].endswith("...")
    assert wrap("short", fitting, 200, 5) == ["short"]
