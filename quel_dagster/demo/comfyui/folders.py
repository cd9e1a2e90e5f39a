"""The input, output and temp folders: uploads come in, saved pictures go out, names never collide.

Nothing outside the data folder is ever read or written. What is in a picture is `drawing`'s part.
"""

import json
import posixpath
import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image, PngImagePlugin

from quel_dagster.demo.comfyui.graph import Graph
from quel_dagster.demo.comfyui.wire import Json

KINDS = ("input", "output", "temp")
ANNOTATED = re.compile(r"(?P<name>.*) \[(?P<kind>input|output|temp)\]")
FAST_PNG = 1
"""Compression level: a demo renders many pictures and keeps them for a short time."""


class OutsideFolder(Exception):
    """The name leads out of the folder."""


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file as a client sent it to `POST /upload/image`."""

    data: bytes
    name: str
    kind: str = "input"
    subfolder: str = ""
    overwrite: bool = False


class Folders:
    """The three folders below `root`; temp is emptied when the server starts."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        shutil.rmtree(self.root / "temp", ignore_errors=True)
        for kind in KINDS:
            (self.root / kind).mkdir(parents=True, exist_ok=True)

    def path(self, kind: str, *parts: str) -> Path:
        """A path inside one of the folders.

        Raises:
            KeyError: no folder of this kind.
            OutsideFolder: the parts lead out of it.
        """
        if kind not in KINDS:
            raise KeyError(kind)
        folder = self.root / kind
        path = folder.joinpath(*parts).resolve()
        if not path.is_relative_to(folder):
            raise OutsideFolder(str(path))
        return path

    def loadable(self, name: str) -> Path | None:
        """The file LoadImage opens for `a.png`, `jobs/1/a.png` or `a.png [output]`, if any."""
        name, kind = annotation(name)
        try:
            path = self.path(kind or "input", name)
        except OutsideFolder:
            return None
        return path if path.is_file() else None

    def inputs(self) -> list[str]:
        """The files that LoadImage offers."""
        return sorted(path.name for path in (self.root / "input").iterdir() if path.is_file())

    def store(self, upload: Upload) -> str:
        """Write an upload and return the name it got.

        A file of that name with the same bytes is that file, and is not written again: a render may
        be reading it. With other bytes the name becomes `a (1).png`, unless the upload overwrites.

        Raises:
            KeyError: no folder of this kind.
            OutsideFolder: the name or the sub-folder leads out of it.
            FileNotFoundError: the name itself holds a folder.
        """
        path = self.path(upload.kind, upload.subfolder, upload.name)
        self.path(upload.kind, upload.subfolder).mkdir(parents=True, exist_ok=True)
        stem, suffix = posixpath.splitext(upload.name)
        copy = 0
        name = upload.name
        while not upload.overwrite and path.exists():
            if path.read_bytes() == upload.data:
                return name
            copy += 1
            name = f"{stem} ({copy}){suffix}"
            path = self.path(upload.kind, upload.subfolder, name)
        path.write_bytes(upload.data)
        return name

    def save(self, pictures: list[Image.Image], prefix: str, kind: str, graph: Graph) -> list[Json]:
        """Write pictures as PNG and return how ComfyUI names them to its clients.

        `a/b/x` becomes `x_00001_.png` in the sub-folder `a/b`. The number is the highest one there
        plus one, so a number that was freed at the end is given again, as on the real server.

        Raises:
            OutsideFolder: the prefix leads out of the folder.
        """
        prefix = posixpath.normpath(_expand(prefix, pictures[0]))
        subfolder, stem = posixpath.split(prefix)
        folder = self.path(kind, subfolder)
        folder.mkdir(parents=True, exist_ok=True)
        taken = re.compile(re.escape(stem) + r"_(\d+)")
        numbers = (taken.match(path.name) for path in folder.iterdir())
        first = max((int(found[1]) for found in numbers if found), default=0) + 1
        text = PngImagePlugin.PngInfo()
        text.add_text("prompt", json.dumps(graph))
        saved: list[Json] = []
        for number, picture in enumerate(pictures, first):
            name = f"{stem}_{number:05}_.png"
            picture.save(folder / name, pnginfo=text, compress_level=FAST_PNG)
            saved.append({"filename": name, "subfolder": subfolder, "type": kind})
        return saved


def annotation(name: str) -> tuple[str, str | None]:
    """`a.png [temp]` as its name and its folder; a plain name has no folder."""
    if match := ANNOTATED.fullmatch(name):
        return match["name"], match["kind"]
    return name, None


def _expand(prefix: str, picture: Image.Image) -> str:
    """Fill in the placeholders that SaveImage knows, such as `%year%` and `%width%`."""
    moment = datetime.now(UTC).astimezone()
    values = {
        "width": str(picture.width),
        "height": str(picture.height),
        "year": f"{moment:%Y}",
        "month": f"{moment:%m}",
        "day": f"{moment:%d}",
        "hour": f"{moment:%H}",
        "minute": f"{moment:%M}",
        "second": f"{moment:%S}",
    }
    return re.sub(r"%(\w+)%", lambda found: values.get(found[1], found[0]), prefix)
