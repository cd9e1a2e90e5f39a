"""What became of a prompt, told from a server's raw `/queue` and `/history`.

Pure. Shapes as recorded from 0.33.0, 0.26.0, 0.3.64 and early 2025; unknown keys are ignored.
"""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from uuid import UUID

from pydantic import Field, RootModel

from quel_dagster.services.comfyui.answers import LONGEST_MESSAGE, Answer
from quel_dagster.services.comfyui.graph import Graph, node_name

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"})

OUT_OF_MEMORY = ("outofmemoryerror", "out of memory", "can't allocate memory")
DEVICE_LOST = ("cuda error", "device-side assert", "illegal memory access")


class Cause(StrEnum):
    """Why a prompt ended without its pictures."""

    ERROR = "error"
    INTERRUPTED = "interrupted"
    OUT_OF_MEMORY = "out_of_memory"
    DEVICE_LOST = "device_lost"
    """The process computes nothing more until it is restarted."""


@dataclass(frozen=True, kw_only=True)
class ImageFile:
    """A picture on the server, by the three names `/view` wants, and the node that made it."""

    node: str
    filename: str
    subfolder: str
    kind: str
    """`output`, or `temp` for a preview."""


@dataclass(frozen=True)
class Waiting:
    """The prompt is in the queue."""


@dataclass(frozen=True)
class Running:
    """The prompt is being executed, or its executor hangs."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The prompt ran to its end; `images` is empty when the graph made none."""

    images: tuple[ImageFile, ...]


@dataclass(frozen=True, kw_only=True)
class Broken:
    """The prompt ended without its pictures; `message` names the node and what it said."""

    message: str
    cause: Cause


@dataclass(frozen=True)
class Unknown:
    """The server knows no such prompt: never sent, cleared, or lost in a restart."""


Found = Waiting | Running | Finished | Broken | Unknown


class Queue(Answer):
    """`GET /queue`: entries are lists of number, prompt id, graph and more."""

    queue_running: list[list[object]]
    queue_pending: list[list[object]]

    def find(self, prompt_id: UUID) -> Waiting | Running | Unknown:
        """Where in the queue the prompt is."""
        if any(entry[1:2] == [str(prompt_id)] for entry in self.queue_running):
            return Running()
        if any(entry[1:2] == [str(prompt_id)] for entry in self.queue_pending):
            return Waiting()
        return Unknown()

    def ids(self) -> list[str]:
        """Every prompt's id, the running one first."""
        return [str(entry[1]) for entry in (*self.queue_running, *self.queue_pending) if entry[1:]]


class Status(Answer):
    """How a prompt ended: `messages` are pairs of a type and its data, the last one telling."""

    status_str: str = ""
    messages: tuple[object, ...] = ()


class Entry(Answer):
    """One prompt in the history."""

    prompt: object = ()
    outputs: dict[str, object] = Field(default_factory=dict[str, object])
    status: Status | None = None

    @property
    def graph(self) -> Graph:
        """The graph as it was sent."""
        match self.prompt:
            case [_, _, Mapping() as graph, *_]:
                return graph
            case _:
                return {}


class History(RootModel[dict[str, Entry]]):
    """`GET /history/{id}`: empty for a prompt that is queued, running or unknown alike."""

    def find(self, prompt_id: UUID) -> Finished | Broken | Unknown:
        """How the prompt ended, if it is in the history."""
        entry = self.root.get(str(prompt_id))
        return Unknown() if entry is None else _ending(entry)


def _ending(entry: Entry) -> Finished | Broken:
    images = tuple(_images(entry.outputs))
    if entry.status is None:
        # Some failures leave no status at all: then only an output proves success.
        nothing = Broken(
            message="the render left neither a status nor a picture", cause=Cause.ERROR
        )
        return Finished(images=images) if images else nothing
    if entry.status.status_str == "success":
        saved = tuple(image for image in images if image.kind == "output")
        return Finished(images=saved or images)
    return _broken(entry.status, entry.graph)


def _broken(status: Status, graph: Graph) -> Broken:
    """Errors and interruptions differ in the last message only."""
    match status.messages[-1:]:
        case (["execution_interrupted", *_],):
            return Broken(message="the render was interrupted", cause=Cause.INTERRUPTED)
        case (["execution_error", Mapping() as data],):
            node = node_name(graph, str(data.get("node_id")), str(data.get("node_type", "")))
            said = f"{data.get('exception_type')}: {data.get('exception_message')}"
            message = textwrap.shorten(f"{node}: {said}", LONGEST_MESSAGE, placeholder=" …")
            return Broken(message=message, cause=_cause(said.lower()))
        case _:
            return Broken(message="the render ended with an error", cause=Cause.ERROR)


def _cause(said: str) -> Cause:
    if any(sign in said for sign in OUT_OF_MEMORY):
        return Cause.OUT_OF_MEMORY
    return Cause.DEVICE_LOST if any(sign in said for sign in DEVICE_LOST) else Cause.ERROR


def _images(outputs: Mapping[str, object]) -> Iterator[ImageFile]:
    """Every picture file of every node; by its extension, for keys name media loosely."""
    for node, output in outputs.items():
        lists = output.values() if isinstance(output, Mapping) else ()
        for item in (item for files in lists if isinstance(files, list) for item in files):
            match item:
                case {"filename": str(filename), "type": str(kind)} if is_picture(filename):
                    subfolder = str(item.get("subfolder", ""))
                    yield ImageFile(node=node, filename=filename, subfolder=subfolder, kind=kind)
                case _:
                    pass


def is_picture(filename: str) -> bool:
    """Whether the file is a still or animated picture, by its extension."""
    return PurePosixPath(filename).suffix.lower() in PICTURES
