"""The parts of one server, put together. Routes find them in the application under `SERVER`.

Nothing here speaks HTTP: `app` has the routes.
"""

from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from quel_dagster.demo.comfyui.catalogue import Catalogue
from quel_dagster.demo.comfyui.executor import Executor
from quel_dagster.demo.comfyui.faults import Switches
from quel_dagster.demo.comfyui.folders import Folders
from quel_dagster.demo.comfyui.hub import Hub
from quel_dagster.demo.comfyui.prompt_queue import PromptQueue
from quel_dagster.demo.comfyui.studio import Studio
from quel_dagster.demo.comfyui.wire import Json


class Server:
    """One stand-in.

    Args:
        data: the folder that holds `input`, `output` and `temp`.
        seconds: how long a render takes.
        name: what `/system_stats` calls its device.
        extra_models: model names it accepts besides the usual ones.
    """

    def __init__(
        self, data: Path, *, seconds: float, name: str, extra_models: Sequence[str] = ()
    ) -> None:
        self.name = name
        self.number = 0
        self.catalogue = Catalogue(extra_models)
        self.folders = Folders(data)
        self.hub = Hub()
        self.switches = Switches()
        self.queue = PromptQueue(self._tell_status)
        self.executor = Executor(
            queue=self.queue,
            hub=self.hub,
            studio=Studio(self.folders),
            switches=self.switches,
            seconds=seconds,
        )

    def status(self) -> Json:
        """How many prompts wait and run, as `status` events and `GET /prompt` say it."""
        return {"exec_info": {"queue_remaining": self.queue.remaining}}

    def _tell_status(self) -> None:
        self.hub.send("status", {"status": self.status()}, None)


SERVER = web.AppKey("SERVER", Server)
