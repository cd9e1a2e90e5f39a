"""How a job's missing pictures are made: slot by slot, each delivered before the next is begun.

No Dagster here. What a failure means for the whole attempt is decided in `failures`.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from quel_dagster.model.errors import (
    BackendAway,
    QuelError,
    Remedy,
    RenderFailed,
    RenderLost,
    RenderStopped,
    TicketLost,
    Unavailable,
)
from quel_dagster.model.job import Job, Picture, Plan, Production, Sheet, Slot, Spec, prompt_id
from quel_dagster.model.settings import Settings
from quel_dagster.model.status import SlotState
from quel_dagster.pipeline.pictures import content_name, to_webp
from quel_dagster.pipeline.references import fetch_sheets
from quel_dagster.pipeline.workflow import Workflow
from quel_dagster.services.comfyui.backends import Backends
from quel_dagster.services.comfyui.rendering import render
from quel_dagster.services.comfyui.server import ComfyServer
from quel_dagster.services.queue import JobQueue
from quel_dagster.services.storage import Storage, picture_key
from quel_dagster.services.store import JobStore

RENDERS_PER_PICTURE = 3
"""How often one attempt asks for the same picture before it gives the slot up."""


@dataclass(frozen=True, kw_only=True)
class Studio:
    """Everything that making pictures needs, shared by all runs of a process."""

    store: JobStore
    storage: Storage
    backends: Backends
    queue: JobQueue
    settings: Settings


class Watch(Protocol):
    """Who knows whether the job has been taken over."""

    @property
    def is_lost(self) -> bool:
        """Whether this attempt may write nothing more."""
        ...


class Audience(Protocol):
    """Who is told about pictures as they are made."""

    def add(self, picture: Picture, data: bytes) -> None:
        """A picture was delivered; `data` is its WebP."""
        ...

    def warn(self, line: str) -> None:
        """Something an operator should know."""
        ...


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A picture as ComfyUI made it, not yet stored."""

    data: bytes
    backend: str
    seconds: float


class Stage:
    """One attempt at one job's missing pictures.

    Args:
        studio: the clients.
        job: opened by this attempt.
        plan: the graph to render with, and one spec per slot.
        watch: the heartbeat, which hears when the job is taken over.
        audience: the log and the table of thumbnails.
    """

    def __init__(
        self, studio: Studio, job: Job, plan: Plan, watch: Watch, audience: Audience
    ) -> None:
        self._studio = studio
        self._job = job
        self._specs = plan.specs
        self._workflow = Workflow.load(plan.workflow)
        self._watch = watch
        self._audience = audience
        self._sheets: Mapping[Sheet, bytes] = {}

    def produce(self) -> Production:
        """Makes every picture that is not there yet.

        Raises:
            InvalidJob: a reference is missing or no picture.
            BackendAway, StorageAway, Unavailable: the attempt should be repeated later.
            TicketLost: the job belongs to another attempt.
        """
        slots = self._studio.store.plan(self._job.ticket, self._specs)
        missing = [spec for spec in self._specs if slots[spec.slot].state != SlotState.DELIVERED]
        self._sheets = fetch_sheets(self._studio.store, self._studio.storage, missing)
        for spec in missing:
            if self._should_stop():
                return self._stopped()
            try:
                self._deliver(spec, self._render(spec, slots[spec.slot]))
            except RenderStopped:
                return self._stopped()
            except QuelError as error:
                match error.remedy:
                    case Remedy.NONE:
                        return Production(stopped=f"slot {spec.slot}: {error}")
                    case Remedy.SLOT:
                        self._audience.warn(f"slot {spec.slot} is given up: {error}")
                        self._studio.store.give_up(self._job.ticket, spec.slot, str(error))
                    case Remedy.LATER | Remedy.YIELD:
                        raise
        return Production()

    def _render(self, spec: Spec, slot: Slot) -> Rendered:
        """The picture an earlier attempt asked for if a server still has it, else a new render.

        A render that failed or was lost, or whose server went away, is asked for again under the
        next generation, and so under a new prompt id.
        """
        started = time.monotonic()
        first = slot.generation + (slot.state == SlotState.FAILED)
        last: QuelError = BackendAway()
        for generation in range(first, first + RENDERS_PER_PICTURE):
            server = self._server_for(slot, generation)
            try:
                data = self._render_on(server, spec, generation)
            except (RenderFailed, RenderLost, BackendAway) as error:
                if isinstance(error, BackendAway):
                    self._studio.backends.failed(server, error)
                self._audience.warn(f"slot {spec.slot}, generation {generation}: {error}")
                last = error
            else:
                self._studio.backends.worked(server)
                seconds = time.monotonic() - started
                return Rendered(data=data, backend=server.url, seconds=seconds)
        raise last

    def _server_for(self, slot: Slot, generation: int) -> ComfyServer:
        """The server that was already asked for this very render, else the one with most room."""
        if slot.state == SlotState.SUBMITTED and generation == slot.generation and slot.backend:
            noted = self._studio.backends.by_url(slot.backend)
            if noted:
                return noted
        return self._studio.backends.pick(should_stop=self._should_stop)

    def _render_on(self, server: ComfyServer, spec: Spec, generation: int) -> bytes:
        """Notes the render before it is asked for, so that whoever comes after finds it."""
        prompt = prompt_id(self._job.id, spec.slot, generation)
        self._studio.store.submit(self._job.ticket, spec, generation, prompt, server.url)
        finished = render(
            server,
            prompt,
            lambda: self._graph(server, spec, generation),
            deadline=self._studio.settings.comfyui.deadline.total_seconds(),
            should_stop=self._should_stop,
        )
        return to_webp(server.view(finished.images[0]))

    def _graph(self, server: ComfyServer, spec: Spec, generation: int) -> dict[str, object]:
        sheets = [self._sheets[found] for found in spec.scene.sheets]
        return self._workflow.bind(
            spec,
            references=[server.upload(content_name(data), data) for data in sheets],
            filename_prefix=f"quel/{self._job.path}/{self._job.id}/{spec.slot:03}-{generation}",
            models=self._studio.settings.comfyui.models,
        )

    def _deliver(self, spec: Spec, rendered: Rendered) -> None:
        """Stores the picture, then attaches and charges it in one transaction.

        A picture that cannot be stored is not rendered again: it waits on its server, and the next
        attempt finds it there.
        """
        key = picture_key(self._job.payer.member_id, self._job.id, spec.slot, rendered.data)
        self._studio.storage.put(key, rendered.data, "image/webp")
        picture = Picture(
            slot=spec.slot,
            key=key,
            size=len(rendered.data),
            seed=spec.seed,
            backend=rendered.backend,
            seconds=rendered.seconds,
        )
        self._studio.store.deliver(self._job, picture)
        self._audience.add(picture, rendered.data)

    def _should_stop(self) -> bool:
        return self._watch.is_lost or self._is_cancelled()

    def _is_cancelled(self) -> bool:
        """Without Redis nobody can say; the flag stays and is read before the next picture."""
        try:
            return self._studio.queue.is_cancelled(self._job.id)
        except Unavailable as error:
            self._audience.warn(f"whether the job was cancelled is not known: {error}")
            return False

    def _stopped(self) -> Production:
        if self._watch.is_lost:
            raise TicketLost
        return Production(cancelled=True)
