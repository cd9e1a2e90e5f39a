"""A picture on its way: wanted, asked of a server, rendered. How it goes is `rendering`'s part."""

from dataclasses import dataclass

from quel_dagster.model.spec import Spec
from quel_dagster.pipeline.references import Enclosure
from quel_dagster.pipeline.shift import PictureBrake
from quel_dagster.services.comfyui.server import ComfyServer


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A picture as ComfyUI made it, not yet stored."""

    data: bytes
    backend: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A render of a picture, and the server that is or was asked for it.

    `earlier` tells one that another attempt asked for: it is taken over, never sent again.
    """

    server: ComfyServer
    generation: int
    earlier: bool = False


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A picture to render: its spec, what is uploaded for it, and who tells when to stop.

    The spec is the same for every render of it.
    """

    spec: Spec
    enclosure: Enclosure
    brake: PictureBrake
