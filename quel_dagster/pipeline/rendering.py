"""How one picture of a job is rendered: taken over, asked for, and asked for again elsewhere.

No Dagster here. What becomes of a rendered picture, and of one that is given up, lies in
`production`; how a prompt is followed on one server, in `services.comfyui.rendering`.
"""

import random
import threading
import time
from contextlib import suppress
from functools import partial

from quel_dagster.model.errors import (
    BackendAway,
    BackendsBusy,
    RenderFailed,
    RenderLost,
    RenderStopped,
    Unavailable,
)
from quel_dagster.model.job import Job, Slot, prompt_id
from quel_dagster.model.status import SlotState
from quel_dagster.pipeline.asking import Asked, Rendered, Wanted
from quel_dagster.pipeline.budget import Budget
from quel_dagster.pipeline.leftovers import Renders
from quel_dagster.pipeline.pictures import content_name, to_webp
from quel_dagster.pipeline.studio import Audience, Studio
from quel_dagster.pipeline.workflow import Workflow
from quel_dagster.services.backend_book import Seat
from quel_dagster.services.comfyui.rendering import fetch, render
from quel_dagster.services.comfyui.server import ComfyServer

PAUSE = 1.0
"""Seconds, give or take a half, before a picture that failed is asked for again."""


class Renderer:
    """Renders the pictures of one job in one attempt. Safe for threads, a picture each.

    Args:
        studio: the clients.
        job: opened by this attempt.
        workflow: the graph to render with.
        budget: what the job may still spend on pictures that failed.
        audience: the log.
    """

    def __init__(
        self, studio: Studio, job: Job, workflow: Workflow, budget: Budget, audience: Audience
    ) -> None:
        self.budget = budget
        self._store = studio.store
        self._backends = studio.backends
        self._settings = studio.settings.comfyui
        self._job = job
        self._workflow = workflow
        self._audience = audience
        self._model = workflow.model(self._settings.models)
        self._turn = threading.Lock()
        self.renders = Renders()

    def render(self, wanted: Wanted, slot: Slot) -> Rendered:
        """The picture that an earlier attempt asked for if a server still has it, else a new one.

        One that failed or was lost, or whose server went away, is asked for again under the next
        generation, and so under a new prompt id, as long as the job's budget lasts.

        Args:
            wanted: the picture.
            slot: where it stood when the attempt began.

        Raises:
            RenderFailed, RenderLost: the budget is used up.
            PromptRefused: ComfyUI will never run this graph.
            BackendAway, BackendsBusy: no server can make it now; the attempt may be repeated later.
            RenderStopped: it was cancelled; so is the render.
            TicketLost: the job belongs to another attempt.
        """
        made_on: ComfyServer | None = None
        started = time.monotonic()
        try:
            data, made_on = self._until_made(wanted, slot)
            return Rendered(data=data, backend=made_on.url, seconds=time.monotonic() - started)
        finally:
            with suppress(Unavailable):  # then the place is free when the attempt has ended
                self._backends.leave(self._seat(wanted, slot.generation), made_on)

    def _until_made(self, wanted: Wanted, slot: Slot) -> tuple[bytes, ComfyServer]:
        """The picture, and the server that has made it."""
        asked = self._first(wanted, slot)
        while True:
            try:
                return self._render(asked, wanted), asked.server
            except (RenderFailed, RenderLost) as error:
                asked = self._ask_again(asked, wanted, error)
            except BackendAway as error:
                asked = self._ask_another(asked, wanted, error)

    def _first(self, wanted: Wanted, slot: Slot) -> Asked:
        """The server that was already asked for the picture, else the one with most room."""
        if slot.state is SlotState.SUBMITTED and slot.backend:
            noted = self._backends.by_url(slot.backend)
            if noted:
                self._backends.keep(self._seat(wanted, slot.generation), noted)
                return Asked(server=noted, generation=slot.generation, earlier=True)
        return Asked(server=self._pick(wanted, slot.generation), generation=slot.generation)

    def _ask_again(self, asked: Asked, wanted: Wanted, error: RenderFailed | RenderLost) -> Asked:
        """After a short pause, and on another server where one has room.

        Raises:
            RenderFailed, RenderLost: the budget is used up.
            RenderStopped: the job was cancelled, and the render may have been taken back for that.
        """
        if wanted.brake.is_pulled():
            raise RenderStopped from error
        if not self.budget.take():
            raise error
        self._tell(asked, wanted, f"{error}; it is asked for again")
        time.sleep(PAUSE * random.uniform(0.5, 1.5))  # noqa: S311 - spreads, hides nothing
        generation = asked.generation + 1
        return Asked(server=self._pick(wanted, generation, asked.server), generation=generation)

    def _ask_another(self, asked: Asked, wanted: Wanted, error: BackendAway) -> Asked:
        """On another server, at once.

        Raises:
            BackendAway: there is none. The server may still have the render when it is back.
            RenderLost: the budget is used up.
        """
        self._backends.failed(asked.server, error)
        generation = asked.generation + 1
        try:
            server = self._pick(wanted, generation, asked.server)
            if server is asked.server:
                raise error
        except BackendAway as nobody:
            self._tell(asked, wanted, f"{nobody}; the attempt ends")
            if isinstance(nobody, BackendsBusy):  # this attempt has had its turn
                raise BackendAway(str(nobody)) from error
            raise
        if not self.budget.take():
            raise RenderLost(str(error)) from error
        self._tell(asked, wanted, f"{error}; {server.url} is asked for it")
        return Asked(server=server, generation=generation)

    def _render(self, asked: Asked, wanted: Wanted) -> bytes:
        """Notes the render before it is asked for, so that whoever comes after finds it."""
        spec = wanted.spec
        prompt = prompt_id(self._job.id, spec.slot, asked.generation)
        if not asked.earlier:
            self._store.submit(self._job.ticket, spec, asked.generation, prompt, asked.server.url)
        self.renders.note(prompt, asked.server)
        should_stop = partial(self._is_to_stop, asked, wanted)
        finished = render(
            asked.server,
            prompt,
            lambda: self._graph(asked, wanted),
            deadline=self._settings.deadline.total_seconds(),
            silence=self._settings.silence.total_seconds(),
            should_stop=should_stop,
        )
        return to_webp(fetch(asked.server, finished.images[0], should_stop))

    def _graph(self, asked: Asked, wanted: Wanted) -> dict[str, object]:
        if asked.earlier:
            raise RenderLost(f"ComfyUI at {asked.server.url} no longer knows the prompt")

        def upload(data: bytes) -> str:
            return asked.server.upload(content_name(data), data)

        spec, enclosure = wanted.spec, wanted.enclosure
        graph = self._workflow.bind(
            enclosure.sized(spec),
            references=[upload(data) for data in enclosure.references],
            mask=upload(enclosure.mask) if enclosure.mask else None,
            filename_prefix=f"quel/{self._job.path}/{self._job.id}/{spec.slot:03}-{asked.generation}",
            models=self._settings.models,
        )
        wanted.brake.check()  # the uploads may have outlasted the lease
        return graph

    def _is_to_stop(self, asked: Asked, wanted: Wanted) -> bool:
        """Whether nobody wants the picture any more.

        Raises:
            BackendAway: its server is in quarantine by now.
            TicketLost: the job belongs to another attempt.
        """
        if wanted.brake.is_pulled():
            self.renders.unqueue()
            return True
        self._backends.check(asked.server)
        return False

    def _pick(
        self, wanted: Wanted, generation: int, avoid: ComfyServer | None = None
    ) -> ComfyServer:
        """A server with room. The job's pictures look for one by turns: it waits as one customer.

        Raises:
            RenderStopped: the job was cancelled meanwhile.
            TicketLost: the job belongs to another attempt.
        """
        seat = self._seat(wanted, generation)
        url = avoid.url if avoid else None
        with self._turn:
            wanted.brake.check()
            return self._backends.pick(seat, avoid=url, should_stop=wanted.brake.is_needless)

    def _seat(self, wanted: Wanted, generation: int) -> Seat:
        return Seat(
            ticket=self._job.ticket,
            slot=wanted.spec.slot,
            prompt_id=prompt_id(self._job.id, wanted.spec.slot, generation),
            model=self._model,
        )

    def _tell(self, asked: Asked, wanted: Wanted, decision: str) -> None:
        """One line for every decision, with what is left of the budget."""
        render = f"slot {wanted.spec.slot}, render {asked.generation + 1} on {asked.server.url}"
        self._audience.warn(f"{render}: {decision} ({self.budget})")
