"""What nodes do with pictures: open a file, draw what the graph asks for, save it.

Everything here takes time on a processor, and so runs beside the event loop.
"""

import traceback
from io import BytesIO

from PIL import Image, ImageOps

from quel_dagster.demo.comfyui import recipe
from quel_dagster.demo.comfyui.drawing import draw, paint_in
from quel_dagster.demo.comfyui.folders import Folders, OutsideFolder
from quel_dagster.demo.comfyui.graph import Graph, class_type
from quel_dagster.demo.comfyui.wire import Json

LARGEST = 64_000_000
"""More pixels than this in one node are memory that a small machine does not have."""

TEMPORARY = "ComfyUI_temp_standin"
"""What PreviewImage calls its files."""


class NodeFailed(Exception):
    """A node raised; the text is the exception's own."""

    def __init__(self, exception_type: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.exception_type = exception_type
        self.trace = trace or []


class Studio:
    """Loads and saves pictures in the folders of one server."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders

    def content(self, name: str) -> bytes:
        """The bytes of an input file; none where it has gone."""
        path = self._folders.loadable(name)
        return path.read_bytes() if path else b""

    def load(self, name: str) -> Image.Image:
        """What LoadImage gives.

        Raises:
            NodeFailed: the file has gone, or is not a picture.
        """
        path = self._folders.loadable(name)
        try:
            if path is None:
                raise FileNotFoundError(f"[Errno 2] No such file or directory: {name!r}")
            with Image.open(path) as opened:
                return ImageOps.exif_transpose(opened).convert("RGB")
        except OSError as error:
            kind = type(error)
            module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
            trace = traceback.format_tb(error.__traceback__)
            raise NodeFailed(module + kind.__qualname__, str(error), trace) from error

    def mask(self, name: str, channel: str) -> Image.Image:
        """What LoadImageMask gives: a channel as it is, or what shines through as white.

        Raises:
            NodeFailed: the file has gone, or is not a picture.
        """
        self.load(name)
        with Image.open(BytesIO(self.content(name))) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGBA")
        found = picture.getchannel(channel[0].upper())
        return ImageOps.invert(found) if channel == "alpha" else found

    def picture(self, graph: Graph, output: str) -> Json:
        """What an output node gives: its pictures are drawn, saved and named.

        Raises:
            NodeFailed: the pictures are too large, a reference cannot be loaded, or the name leads
                out of the folder.
        """
        wanted = recipe.read(graph, output)
        size = wanted.width * wanted.height * wanted.batch
        if size > LARGEST:
            raise NodeFailed(
                "RuntimeError",
                "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate"
                f" memory: you tried to allocate {size * 12} bytes."
                " Error code 12 (Cannot allocate memory)",
            )
        pictures = self._paint(wanted)
        temporary = class_type(graph[output]) == "PreviewImage"
        kind, prefix = ("temp", TEMPORARY) if temporary else ("output", wanted.prefix)
        try:
            images = self._folders.save(pictures, prefix, kind, graph)
        except OutsideFolder as error:
            raise NodeFailed(
                "Exception", "Saving image outside the output folder is not allowed."
            ) from error
        return {"images": images}

    def _paint(self, wanted: recipe.Recipe) -> list[Image.Image]:
        references = [self.load(name) for name in wanted.references]
        patch = wanted.patch
        if patch is None:
            return draw(wanted, references)
        destination, mask = self.load(patch.destination), self.mask(patch.mask, patch.channel)
        return paint_in(wanted, references, destination, mask)
