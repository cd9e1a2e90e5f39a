"""What a graph asks of one picture: its label, size, words, seed and reference pictures.

Read from the nodes upstream of a SaveImage; how it looks is `drawing`'s part.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from quel_dagster.demo.comfyui.graph import Graph, Node, class_type, inputs, link, upstream

PREFIX = re.compile(r"quel/(?P<path>[^/]+)/(?P<job>[^/]+)/(?P<slot>\d+)-(?P<generation>\d+)")
"""How this product names its pictures: `quel/<path>/<job_id>/<slot>-<generation>`."""

LATENTS = ("EmptyLatentImage", "EmptySD3LatentImage")
SIZED = (*LATENTS, "EmptyImage", "ImageScale", "ImageCrop")
CARRIERS = ("images", "image", "samples", "latent_image", "pixels", "image1", "destination")
"""Inputs through which the picture itself arrives, as against words, masks and references."""

COMPOSITE = "ImageCompositeMasked"

SEEDS = ("seed", "noise_seed")
TEXTS = ("prompt", "text")


@dataclass(frozen=True, kw_only=True)
class Label:
    """Whose picture it is. A foreign `filename_prefix` gives its last part as `path`, no more."""

    path: str
    slot: str = ""
    job: str = ""
    generation: int = 0


@dataclass(frozen=True, kw_only=True)
class Patch:
    """Another picture into which this one goes, where a mask is white: names of input files."""

    destination: str
    mask: str
    channel: str


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One picture, `batch` times.

    `width` and `height` are 0 where the graph leaves the size to its first reference.
    `references` are names of input files in the order the graph numbers them.
    """

    prefix: str
    label: Label
    width: int
    height: int
    batch: int
    prompt: str
    seed: int | None
    references: Sequence[str]
    patch: Patch | None = None


def read(graph: Graph, output: str) -> Recipe:
    """The picture that the output node will save."""
    nodes = list(upstream(graph, output))
    width, height, batch = _size(graph, output)
    filename_prefix = prefix(graph, [output])
    return Recipe(
        prefix=filename_prefix,
        label=label(filename_prefix),
        width=width,
        height=height,
        batch=batch,
        prompt=_prompt(graph, nodes),
        seed=_seed(graph, nodes),
        references=[
            str(inputs(graph[node])["image"])
            for node in nodes
            if class_type(graph[node]) == "LoadImage"
        ],
        patch=_patch(graph, output),
    )


def prefix(graph: Graph, outputs: Sequence[str]) -> str:
    """The `filename_prefix` of the first output that has one."""
    found = (inputs(graph[output]).get("filename_prefix") for output in outputs)
    return str(next((value for value in found if value is not None), ""))


def label(filename_prefix: str) -> Label:
    """The label in a `filename_prefix`."""
    if match := PREFIX.fullmatch(filename_prefix):
        return Label(
            path=match["path"],
            slot=match["slot"],
            job=match["job"],
            generation=int(match["generation"]),
        )
    return Label(path=filename_prefix.rpartition("/")[2] or "preview")


def _size(graph: Graph, output: str) -> tuple[int, int, int]:
    """Width, height and number of pictures, from the sized node nearest to the output."""
    for node in _carriers(graph, output):
        if class_type(node) in SIZED:
            given = inputs(node)
            width, height, batch = (
                cast("int", given.get(name, 1)) for name in ("width", "height", "batch_size")
            )
            # A latent pixel is eight picture pixels wide.
            step = 8 if class_type(node) in LATENTS else 1
            return width // step * step, height // step * step, batch
    return 0, 0, 1


def _carriers(graph: Graph, output: str) -> Iterator[Node]:
    """The nodes the picture passes through, from the output back to where it began."""
    node_id: str | None = output
    while node_id is not None:
        node = graph[node_id]
        yield node
        found = (link(inputs(node).get(name)) for name in CARRIERS)
        node_id = next((source for source, _ in filter(None, found)), None)


def _patch(graph: Graph, output: str) -> Patch | None:
    """What an output node's whole picture is put into by a mask from a file, if it is."""
    composite = next(
        (node for node in _carriers(graph, output) if class_type(node) == COMPOSITE), None
    )
    mask = link(inputs(composite).get("mask")) if composite else None
    if composite is None or mask is None or not inputs(composite).get("resize_source"):
        return None
    files = [
        inputs(graph[node])
        for node in upstream(graph, mask[0])
        if class_type(graph[node]) == "LoadImageMask"
    ]
    *_, origin = _carriers(graph, output)
    if not files or class_type(origin) != "LoadImage":
        return None
    destination, mask_file = str(inputs(origin)["image"]), str(files[0]["image"])
    return Patch(destination=destination, mask=mask_file, channel=str(files[0]["channel"]))


def _seed(graph: Graph, nodes: Sequence[str]) -> int | None:
    for node in nodes:
        given = inputs(graph[node])
        for name in SEEDS:
            if isinstance(given.get(name), int):
                return cast("int", given[name])
    return None


def _prompt(graph: Graph, nodes: Sequence[str]) -> str:
    """The text behind the sampler's `positive`, or the first text there is."""
    positive = (link(inputs(graph[node]).get("positive")) for node in nodes)
    start = next((found[0] for found in positive if found), None)
    for node in nodes if start is None else upstream(graph, start):
        given = inputs(graph[node])
        for name in TEXTS:
            if isinstance(given.get(name), str):
                return cast("str", given[name])
    return ""
