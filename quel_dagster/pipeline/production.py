"""How a job's missing pictures are made: slot by slot, each delivered before the next is begun.

No Dagster here. How a picture is rendered lies in `rendering`; what a failure means for the whole
attempt is decided in `failures`.
"""

from quel_dagster.model.errors import QuelError, Remedy, RenderStopped
from quel_dagster.model.job import Job, Picture, Plan, Production, Spec
from quel_dagster.model.status import SlotState
from quel_dagster.pipeline.budget import Budget
from quel_dagster.pipeline.cancelling import Brake, CancelWish
from quel_dagster.pipeline.references import fetch_sheets
from quel_dagster.pipeline.rendering import Rendered, Renderer
from quel_dagster.pipeline.studio import Audience, Studio, Watch
from quel_dagster.pipeline.workflow import Workflow
from quel_dagster.services.storage import picture_key

ENDED = frozenset({SlotState.DELIVERED, SlotState.FAILED})
"""What an attempt leaves as it is. A slot was given up because the budget was used up, which does
not grow again."""


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
            InvalidJob: a reference is missing or no picture.
            BackendAway, StorageAway, Unavailable: the attempt should be repeated later.
            TicketLost: the job belongs to another attempt.
        """
        studio, ticket = self._studio, self._job.ticket
        slots = studio.store.plan(ticket, self._plan.specs)
        missing = [spec for spec in self._plan.specs if slots[spec.slot].state not in ENDED]
        budget = Budget(studio.settings.worker.attempts, studio.store.spent(ticket))
        workflow = Workflow.load(self._plan.workflow)
        renderer = Renderer(studio, self._job, workflow, budget, self._brake, self._audience)
        sheets = fetch_sheets(studio.store, studio.storage, missing)
        for spec in missing:
            try:
                self._brake.check()
                self._deliver(spec, renderer.render(spec, slots[spec.slot], sheets))
            except RenderStopped:
                return Production(cancelled=True)
            except QuelError as error:
                match error.remedy:
                    case Remedy.NONE:
                        return Production(stopped=f"slot {spec.slot}: {error}")
                    case Remedy.SLOT:
                        self._audience.warn(f"slot {spec.slot} is given up: {error} ({budget})")
                        studio.store.give_up(ticket, spec.slot, str(error))
                    case Remedy.LATER | Remedy.YIELD:
                        raise
        return Production()

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
