"""One brake for every shape of order, on every path: production had shapes that could not stop."""

from collections.abc import Callable
from uuid import UUID

import pytest

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.demo.front_end import NewOrder
from quel_dagster_tests.categories import retouches
from quel_dagster_tests.house import House
from quel_dagster_tests.journey.moments import ends, is_rendering, once, renders

Place = Callable[[House], UUID]


def placing(path: str, job_type: str, document: object) -> Place:
    """Orders two pictures of a shape."""

    def place(house: House) -> UUID:
        payer = house.customers.person
        order = NewOrder(path=path, input=document, payer=payer, total_images=2, job_type=job_type)
        return house.front_end.place(order)

    return place


def retouch(house: House) -> UUID:
    original = retouches.upload(house, retouches.gradient())
    return retouches.place(house, {"originalAttachId": original}, images=2)


SHAPES = {
    "single_batch": placing("cartoon", "single_batch", {"combinations": [{"quantity": 2}]}),
    "pipeline_stage": placing(
        "fashion", "pipeline_stage", {"stages": [{"prompt": "one"}, {"prompt": "two"}]}
    ),
    "simple_general": placing("fashion", "simple_general", {"prompt": "packshot on grey"}),
    "simple_portrait": placing(
        "cinema",
        "simple_portrait",
        {"mergedImages": [{"wrappingPrompt": "one"}, {"wrappingPrompt": "two"}]},
    ),
    "modify": retouch,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_w60_an_order_of_every_shape_stops_in_the_middle_of_its_first_picture(
    house: House, comfyui: ComfyUIProcess, shape: str
) -> None:
    job_id = SHAPES[shape](house)
    comfyui.faults(render_seconds=60)
    cancel = house.environment.queue.flag_cancel
    with once(is_rendering(comfyui, job_id), lambda: cancel(job_id)):
        house.serve()
    assert ends(house, job_id) == ("user_cancelled", 0, 0, 0)
    assert house.row(job_id)["completed_at"] is not None
    assert renders(comfyui, job_id) == ["interrupted"]
