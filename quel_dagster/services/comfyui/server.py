"""One ComfyUI server's HTTP door: ask, upload, submit, fetch, cancel.

Nothing here waits for a prompt or repeats a request, and nothing here chooses among servers.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import TypeVar
from uuid import UUID

import httpx
from pydantic import BaseModel, ValidationError

from quel_dagster.model.errors import (
    BackendAway,
    PromptRefused,
    RenderFailed,
    RenderLost,
)
from quel_dagster.services.comfyui.address import without_password
from quel_dagster.services.comfyui.answers import (
    InputMissing,
    Load,
    Reply,
    SystemStats,
    Upload,
    refusal,
)
from quel_dagster.services.comfyui.classes import NodeClass, ObjectInfo
from quel_dagster.services.comfyui.found import Found, History, ImageFile, Queue, Unknown
from quel_dagster.services.comfyui.graph import Graph, faults

LOAD_TIMEOUT = 3.0
"""Seconds. The question is answered in 17 ms under load, and it decides only whom to pick."""

CANCELS_BY_ID = (0, 26, 0)
"""First version with `/api/jobs/{id}/cancel`, which is atomic."""
INTERRUPTS_BY_ID = (0, 3, 57)
"""First version that heeds the id of an interrupt; older ones stop whatever runs."""

Version = tuple[int, ...]
Shape = TypeVar("Shape", bound=BaseModel)


class ComfyServer:
    """One server. Every method raises `BackendAway` when it does not answer as ComfyUI does.

    Args:
        address: where it is reached, `http://host:8188` or `https://user:password@host`.
        timeout: seconds for each step of a request: connecting, sending, each read.

    Attributes:
        address: for connections only.
        url: the same without user and password: what it is known by, and shown as.
    """

    def __init__(self, address: str, *, timeout: float = 10.0) -> None:
        self.address = address.rstrip("/")
        self.url = without_password(self.address)
        # No proxy and no credentials from the environment: the address is all there is.
        self._http = httpx.Client(base_url=self.address, timeout=timeout, trust_env=False)
        self._uploaded: dict[str, str] = {}
        self._version: Version | None = None

    def close(self) -> None:
        """Closes the kept connections."""
        self._http.close()

    def find(self, prompt_id: UUID) -> Found:
        """What became of a prompt.

        The queue is read before the history: a prompt that ends between the two is then still
        found, in the other order it would look lost.
        """
        queued = self._get(Queue, "/queue").find(prompt_id)
        if not isinstance(queued, Unknown):
            return queued
        return self._get(History, f"/history/{prompt_id}").find(prompt_id)

    def load(self) -> int:
        """How many prompts the server has, running and waiting, whoever sent them."""
        request = self._http.build_request("GET", "/prompt", timeout=LOAD_TIMEOUT)
        return self._read(Load, self._send(request)).exec_info.queue_remaining

    def lone_prompt(self) -> str | None:
        """The id of the only prompt that the server has; None when there are more, or none."""
        ids = self._get(Queue, "/queue").ids()
        return ids[0] if len(ids) == 1 else None

    def version(self) -> Version:
        """The server's version, such as (0, 33, 0); () when it tells none. Asked once."""
        if self._version is None:
            told = self._get(SystemStats, "/system_stats").system.comfyui_version
            numbers = re.match(r"v?(\d+)\.(\d+)\.(\d+)", told)
            self._version = tuple(map(int, numbers.groups())) if numbers else ()
        return self._version

    def classes(self) -> dict[str, NodeClass]:
        """The classes of nodes that the server has, and what their inputs can be chosen from."""
        return self._get(ObjectInfo, "/object_info").root

    def upload(self, name: str, data: bytes, subfolder: str = "quel") -> str:
        """Puts a picture where `LoadImage` finds it, once per server and name.

        Args:
            name: a hash of the content with the extension of its format, so that a name never
                means two pictures.
            data: the picture's bytes; the server does not look at them.
            subfolder: where among the server's inputs.

        Returns:
            What to put into `LoadImage`; the server may have renamed the file.
        """
        place = f"{subfolder}/{name}"
        known = self._uploaded.get(place)
        if known is not None:
            return known
        request = self._http.build_request(
            "POST",
            "/upload/image",
            files={"image": (name, data)},
            data={"type": "input", "subfolder": subfolder},
        )
        given = self._uploaded[place] = self._read(Upload, self._send(request)).place
        return given

    def submit(self, prompt_id: UUID, graph: Graph, client_id: str) -> None:
        """Sends a graph once. After `BackendAway` it may have arrived: ask `find` before a repeat.

        Raises:
            PromptRefused: the graph, or a part of it, is wrong. Nothing of it is left to run.
            InputMissing: an uploaded picture is gone; `upload` will send it again.
            RenderFailed: the server failed over the graph, or is too old to take our ids.
        """
        if wrong := faults(graph):
            raise PromptRefused(f"the graph cannot be sent: {' | '.join(wrong)}")
        body = {"prompt": graph, "prompt_id": str(prompt_id), "client_id": client_id}
        response = self._send(self._http.build_request("POST", "/prompt", json=body))
        match response.status_code:
            case 400:
                raise self._refused(self._parse(Reply, response), graph)
            case 413:
                raise PromptRefused(f"the graph is too large for ComfyUI at {self.url}")
            case 500:
                self._check_queued(prompt_id)
            case _:
                self._check_accepted(self._read(Reply, response), prompt_id, graph)

    def view(self, image: ImageFile) -> bytes:
        """A picture's bytes.

        Raises:
            RenderLost: the file is gone; a cached prompt names the files of an older one.
        """
        where = {"filename": image.filename, "subfolder": image.subfolder, "type": image.kind}
        response = self._send(self._http.build_request("GET", "/view", params=where))
        if response.status_code == 404:
            raise RenderLost(f"ComfyUI at {self.url} no longer has {image.filename}")
        return self._checked(response).content

    def cancel(self, prompt_id: UUID) -> None:
        """Takes a prompt out of the queue or interrupts it, and touches no other.

        A prompt that runs on a server too old to interrupt by id runs to its end.
        """
        if self.version() >= CANCELS_BY_ID:
            self._post(f"/api/jobs/{prompt_id}/cancel", {})
            return
        self.unqueue([prompt_id])
        if self.version() >= INTERRUPTS_BY_ID:
            self._post("/interrupt", {"prompt_id": str(prompt_id)})

    def unqueue(self, prompt_ids: Iterable[UUID]) -> None:
        """Takes those of the prompts out of the queue that wait, and leaves alone what runs."""
        self._post("/queue", {"delete": [str(each) for each in prompt_ids]})

    def forget(self, prompt_id: UUID) -> None:
        """Takes an ended prompt out of the server's history, which it keeps in memory; or not."""
        with suppress(BackendAway):
            self._post("/history", {"delete": [str(prompt_id)]})

    def free(self) -> None:
        """Asks the server to let go of models and caches after the prompt it is at; or not."""
        with suppress(BackendAway):
            self._post("/free", {"unload_models": True, "free_memory": True})

    def _check_accepted(self, reply: Reply, prompt_id: UUID, graph: Graph) -> None:
        """Holds the server to the id it was given, and to the whole graph or nothing."""
        if reply.prompt_id == prompt_id and not reply.node_errors:
            return
        with suppress(BackendAway):
            self.cancel(reply.prompt_id or prompt_id)
        if reply.node_errors:
            raise self._refused(reply, graph)
        raise RenderFailed(
            f"ComfyUI at {self.url} gave the prompt an id of its own; update it to 0.3.45 or later"
        )

    def _check_queued(self, prompt_id: UUID) -> None:
        """A 500 may hide a prompt that was queued; otherwise it may be the graph's fault."""
        if isinstance(self.find(prompt_id), Unknown):
            raise RenderFailed(f"ComfyUI at {self.url} failed over the graph; see its console")

    def _refused(self, reply: Reply, graph: Graph) -> PromptRefused:
        error = refusal(reply, graph)
        if isinstance(error, InputMissing):
            self._uploaded.clear()
        return error

    def _get(self, shape: type[Shape], path: str) -> Shape:
        return self._read(shape, self._send(self._http.build_request("GET", path)))

    def _post(self, path: str, body: dict[str, object]) -> None:
        self._checked(self._send(self._http.build_request("POST", path, json=body)))

    def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._http.send(request)
        except httpx.RequestError as error:
            fault = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            raise BackendAway(
                f"ComfyUI at {self.url} does not answer ({fault}); "
                "check that it runs and that COMFYUI_URLS names it"
            ) from error

    def _read(self, shape: type[Shape], response: httpx.Response) -> Shape:
        return self._parse(shape, self._checked(response))

    def _checked(self, response: httpx.Response) -> httpx.Response:
        if response.status_code == 200:
            return response
        raise BackendAway(
            f"ComfyUI at {self.url} answered {response.status_code} to {response.request.method} "
            f"{response.request.url.path}; check that COMFYUI_URLS names a ComfyUI server"
        )

    def _parse(self, shape: type[Shape], response: httpx.Response) -> Shape:
        try:
            return shape.model_validate_json(response.content)
        except ValidationError as error:
            raise BackendAway(
                f"what {self.url} answers to {response.request.url.path} is not ComfyUI's; "
                "check COMFYUI_URLS"
            ) from error
