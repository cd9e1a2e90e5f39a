"""Pictures that nobody wants any more, taken back before a server spends time on them."""

from uuid import UUID

import pytest

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.model.job import Ticket, prompt_id
from quel_dagster.model.spec import Spec
from quel_dagster.pipeline import production
from quel_dagster.pipeline.cancelling import Brake
from quel_dagster.pipeline.shift import PictureBrake, Shift
from quel_dagster_tests.journey.moments import (
    Build,
    ends,
    eventually,
    is_queued,
    is_rendering,
    once,
    order,
    renders,
)


def test_when_the_picture_in_work_hears_first_of_a_cancel_no_other_is_begun(
    build: Build, comfyui: ComfyUIProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    class LateToHear(PictureBrake):
        """Hears nothing while its render waits behind the one that is being interrupted."""

        def __init__(self, brake: Brake, shift: Shift, slot: int) -> None:
            super().__init__(brake, shift, slot)
            self.number = slot

        def is_pulled(self) -> bool:
            is_behind = not is_rendering(comfyui, job_id, self.number)()
            return not (is_behind and is_queued(comfyui, job_id)()) and super().is_pulled()

    monkeypatch.setattr(production, "PictureBrake", LateToHear)
    house = build("renders: 0", side_by_side=3)
    comfyui.faults(render_seconds=60)
    job_id = order(house, 3)

    def cancel() -> None:
        eventually(is_queued(comfyui, job_id))
        house.environment.store.cancel(job_id)

    with once(is_rendering(comfyui, job_id), cancel):
        [run] = house.serve()
    assert run.is_success
    assert ends(house, job_id) == ("user_cancelled", 0, 0, 0)
    assert renders(comfyui, job_id) == ["interrupted"]


def test_a_render_that_was_asked_for_too_late_for_the_successor_is_taken_back(
    build: Build, comfyui: ComfyUIProcess
) -> None:
    """As by a process that was frozen between its last look and its request."""
    house = build("renders: 0, lease: 3s", deadline="60s")
    comfyui.faults(render_seconds=60)
    store = house.environment.store
    submit = store.submit

    def submit_and_lose(
        ticket: Ticket, spec: Spec, generation: int, prompt: UUID, backend: str
    ) -> None:
        submit(ticket, spec, generation, prompt, backend)
        store.hand_back(ticket, "taken over")
        [successor] = store.reserve("fashion", [(ticket.job_id, None)], 5)
        store.open(successor.ticket, "another run")
        submit(successor.ticket, spec, 1, prompt_id(ticket.job_id, 0, 1), backend)

    store.submit = submit_and_lose
    job_id = order(house, 1)
    [run] = house.serve()
    assert run.is_success
    assert house.row(job_id)["job_status"] == "processing"
    assert renders(comfyui, job_id) == ["interrupted"]
