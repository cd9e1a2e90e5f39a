"""How one picture of a job is rendered: taken over, asked for, and asked for again elsewhere.

No Dagster here. What becomes of a rendered picture, and of one that is given up, lies in
`production`; how a prompt is followed on one server, in `services.comfyui.rendering`.
"""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass

from quel_dagster.model.errors import BackendAway, RenderFailed, RenderLost
from quel_dagster.model.job import Job, Sheet, Slot, Spec, prompt_id
from quel_dagster.model.status import SlotState
from quel_dagster.pipeline.budget import Budget
from quel_dagster.pipeline.cancelling import Brake
from quel_dagster.pipeline.pictures import content_name, to_webp
from quel_dagster.pipeline.studio import Audience, Studio
from quel_dagster.pipeline.workflow import Workflow
from quel_dagster.services.comfyui.rendering import render
from quel_dagster.services.comfyui.server import ComfyServer

PAUSE = 1.0
"""Seconds, give or take a half, before a picture that failed is asked for again."""


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


class Renderer:
    """Renders the pictures of one job in one attempt.

    Args:
        studio: the clients.
        job: opened by this attempt.
        workflow: the graph to render with.
        budget: what the job may still spend on pictures that failed.
        brake: tells when to stop.
        audience: the log.
    """

    def __init__(
        self,
        studio: Studio,
        job: Job,
        workflow: Workflow,
        budget: Budget,
        brake: Brake,
        audience: Audience,
    ) -> None:
        self._store = studio.store
        self._backends = studio.backends
        self._settings = studio.settings.comfyui
        self._job = job
        self._workflow = workflow
        self._budget = budget
        self._brake = brake
        self._audience = audience

    def render(self, spec: Spec, slot: Slot, sheets: Mapping[Sheet, bytes]) -> Rendered:
        """The picture that an earlier attempt asked for if a server still has it, else a new one.

        One that failed or was lost, or whose server went away, is asked for again under the next
        generation, and so under a new prompt id, as long as the job's budget lasts.

        Args:
            spec: of the picture, the same for every render of it.
            slot: where it stood when the attempt began.
            sheets: the references of the spec, each as one picture.

        Raises:
            RenderFailed, RenderLost: the budget is used up.
            PromptRefused: ComfyUI will never run this graph.
            BackendAway: no server can make it now; the attempt may be repeated later.
            RenderStopped: it was cancelled; so is the render.
            TicketLost: the job belongs to another attempt.
        """
        started = time.monotonic()
        asked = self._first(slot)
        while True:
            try:
                data = self._render(asked, spec, sheets)
            except (RenderFailed, RenderLost) as error:
                asked = self._ask_again(asked, spec, error)
            except BackendAway as error:
                asked = self._ask_another(asked, spec, error)
            else:
                self._backends.worked(asked.server)
                seconds = time.monotonic() - started
                return Rendered(data=data, backend=asked.server.url, seconds=seconds)

    def _first(self, slot: Slot) -> Asked:
        """The server that was already asked for the picture, else the one with most room."""
        if slot.state is SlotState.SUBMITTED and slot.backend:
            noted = self._backends.by_url(slot.backend)
            if noted:
                return Asked(server=noted, generation=slot.generation, earlier=True)
        return Asked(server=self._pick(), generation=slot.generation)

    def _ask_again(self, asked: Asked, spec: Spec, error: RenderFailed | RenderLost) -> Asked:
        """After a short pause, and on another server where one has room.

        Raises:
            RenderFailed, RenderLost: the budget is used up.
        """
        if not self._budget.take():
            raise error
        self._tell(asked, spec, f"{error}; it is asked for again")
        time.sleep(PAUSE * random.uniform(0.5, 1.5))  # noqa: S311 - spreads, hides nothing
        self._brake.check()
        return Asked(server=self._pick(avoid=asked.server), generation=asked.generation + 1)

    def _ask_another(self, asked: Asked, spec: Spec, error: BackendAway) -> Asked:
        """On another server, at once.

        Raises:
            BackendAway: there is none. The server may still have the render when it is back.
            RenderLost: the budget is used up.
        """
        self._backends.failed(asked.server, error)
        try:
            server = self._other_than(asked.server, error)
        except BackendAway as nobody:
            self._tell(asked, spec, f"{nobody}; the attempt ends")
            raise
        if not self._budget.take():
            raise RenderLost(str(error)) from error
        self._tell(asked, spec, f"{error}; {server.url} is asked for it")
        return Asked(server=server, generation=asked.generation + 1)

    def _other_than(self, server: ComfyServer, error: BackendAway) -> ComfyServer:
        other = self._pick(avoid=server)
        if other is server:
            raise error
        return other

    def _render(self, asked: Asked, spec: Spec, sheets: Mapping[Sheet, bytes]) -> bytes:
        """Notes the render before it is asked for, so that whoever comes after finds it."""
        prompt = prompt_id(self._job.id, spec.slot, asked.generation)
        if not asked.earlier:
            self._store.submit(self._job.ticket, spec, asked.generation, prompt, asked.server.url)
        finished = render(
            asked.server,
            prompt,
            lambda: self._graph(asked, spec, sheets),
            deadline=self._settings.deadline.total_seconds(),
            should_stop=self._brake.is_pulled,
        )
        return to_webp(asked.server.view(finished.images[0]))

    def _graph(self, asked: Asked, spec: Spec, sheets: Mapping[Sheet, bytes]) -> dict[str, object]:
        if asked.earlier:
            raise RenderLost(f"ComfyUI at {asked.server.url} no longer knows the prompt")
        upload = asked.server.upload
        pictures = [sheets[found] for found in spec.scene.sheets]
        name = f"{spec.slot:03}-{asked.generation}"
        return self._workflow.bind(
            spec,
            references=[upload(content_name(data), data) for data in pictures],
            filename_prefix=f"quel/{self._job.path}/{self._job.id}/{name}",
            models=self._settings.models,
        )

    def _pick(self, avoid: ComfyServer | None = None) -> ComfyServer:
        url = avoid.url if avoid else None
        return self._backends.pick(avoid=url, should_stop=self._brake.is_pulled)

    def _tell(self, asked: Asked, spec: Spec, decision: str) -> None:
        """One line for every decision, with what is left of the budget."""
        render = f"slot {spec.slot}, render {asked.generation + 1} on {asked.server.url}"
        self._audience.warn(f"{render}: {decision} ({self._budget})")
