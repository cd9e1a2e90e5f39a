"""How a job's missing pictures are made: several side by side, each delivered when it is made.

No Dagster here. How a picture is rendered lies in `rendering`; what a failure means for the whole
attempt is decided in `failures`.
"""

from collections.abc import Sequence
from functools import partial

from quel_dagster.model.errors import QuelError, Remedy, RenderStopped, TicketLost, kind_of
from quel_dagster.model.job import Job, Picture, Production, Slot
from quel_dagster.model.spec import Plan, Spec
from quel_dagster.model.status import SlotState
from quel_dagster.pipeline.asking import Rendered, Wanted
from quel_dagster.pipeline.budget import Budget
from quel_dagster.pipeline.cancelling import Brake, CancelWish
from quel_dagster.pipeline.references import Enclosures, enclose
from quel_dagster.pipeline.rendering import Renderer
from quel_dagster.pipeline.retouching import enclose_retouches
from quel_dagster.pipeline.shift import PictureBrake, Shift
from quel_dagster.pipeline.studio import Audience, Studio, Watch
from quel_dagster.pipeline.workflow import Workflow
from quel_dagster.services.storage import picture_key

ENDED = frozenset({SlotState.DELIVERED, SlotState.FAILED})
"""What an attempt leaves as it is. A slot was given up because the budget was used up, which does
not grow again, or because its references cannot be had."""


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
        self._plan = plan
        self._audience = audience
        wish = CancelWish(studio.store, studio.queue, job.id, audience.warn)
        self._brake = Brake(watch, wish)

    def produce(self) -> Production:
        """Makes every picture that is not there yet and was not given up.

        Raises:
            InvalidJob: no picture can be made, as references are missing or no pictures.
            BackendAway, StorageAway, Unavailable: the attempt should be repeated later.
            TicketLost: the job belongs to another attempt.
        """
        studio, ticket = self._studio, self._job.ticket
        slots = studio.store.plan(ticket, self._plan.specs)
        missing = [spec for spec in self._plan.specs if slots[spec.slot].state not in ENDED]
        budget = Budget(studio.settings.worker.attempts, studio.store.spent(ticket))
        workflow = Workflow.load(self._plan.workflow)
        renderer = Renderer(studio, self._job, workflow, budget, self._audience)
        enclosures = self._enclose(missing)
        enclosures.check()
        for number, error in enclosures.refused.items():
            self._give_up(number, str(error))
        shift = Shift(self._brake, studio.settings.comfyui.side_by_side)

        def make(spec: Spec) -> None:
            brake = PictureBrake(self._brake, shift, spec.slot)
            enclosure = enclosures.ready[spec.slot]
            wanted = Wanted(spec=spec, enclosure=enclosure, brake=brake)
            self._make(renderer, wanted, slots[spec.slot])

        ready = [spec for spec in missing if spec.slot in enclosures.ready]
        ended = shift.work({spec.slot: partial(make, spec) for spec in ready})
        if ended and isinstance(ended[1], TicketLost):
            renderer.renders.take_back_replaced(studio.store, ticket.job_id)
        return _production(ended)

    def _make(self, renderer: Renderer, wanted: Wanted, slot: Slot) -> None:
        """One picture, from where its slot stands to its delivery; or it is given up."""
        try:
            wanted.brake.check()
            self._deliver(wanted.spec, renderer.render(wanted, slot))
        except QuelError as error:
            if error.remedy is not Remedy.SLOT:
                raise
            self._give_up(slot.slot, str(error), f" ({renderer.budget})")

    def _enclose(self, specs: Sequence[Spec]) -> Enclosures:
        studio = self._studio
        if any(spec.scene.retouch for spec in specs):
            return enclose_retouches(studio, self._job.ticket, specs)
        return enclose(studio.store, studio.storage, specs)

    def _give_up(self, number: int, why: str, detail: str = "") -> None:
        """Leaves a slot without its picture."""
        self._audience.warn(f"slot {number} is given up: {why}{detail}")
        self._studio.store.give_up(self._job.ticket, number, why)

    def _deliver(self, spec: Spec, rendered: Rendered) -> None:
        """Stores the picture, then attaches and charges it in one transaction.

        A picture that cannot be stored is not rendered again: it waits on its server, and the next
        attempt finds it there. One that nobody wants any more is neither stored nor charged.
        """
        self._brake.check()
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


def _production(ended: tuple[int, BaseException] | None) -> Production:
    """What the work comes to.

    Raises:
        BaseException: what ended it, where the attempt cannot settle the job.
    """
    match ended:
        case None:
            return Production()
        case _, RenderStopped():
            return Production(cancelled=True)
        case slot, QuelError(remedy=Remedy.NONE) as error:
            return Production(stopped=f"slot {slot}: {error}", failure=kind_of(error))
        case _, error:
            raise error
