"""What `quel explain` tells is what the run's log tells, and what ComfyUI is really sent."""

from typing import cast
from uuid import UUID

import httpx
import pytest

from quel_dagster.cli.explain import Explanation, explain, tell
from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.demo.recipes import RECIPES, RETOUCH
from quel_dagster.demo.writing import Recipe, Retouch
from quel_dagster.model.job import prompt_id
from quel_dagster_tests.house import House

Nodes = dict[str, dict[str, object]]

samples = pytest.mark.parametrize(
    "recipe", [RECIPES[0], RECIPES[8], RETOUCH], ids=["single_batch", "pipeline_stage", "modify"]
)


def order(house: House, recipe: Recipe | Retouch) -> UUID:
    customers = house.customers
    return house.front_end.place(recipe.order(customers.person, customers.references, 2))


def explained(house: House, job_id: UUID) -> Explanation:
    explanation = explain(house.environment, job_id)
    assert explanation
    return explanation


def own_lines(house: House, run_id: str) -> list[str]:
    log = house.instance.all_logs(run_id)
    return [entry.user_message for entry in log if not entry.is_dagster_event]


@samples
def test_the_first_lines_of_a_run_tell_what_explain_tells(
    house: House, recipe: Recipe | Retouch
) -> None:
    job_id = order(house, recipe)
    before = "\n".join(tell(explained(house, job_id))).splitlines()
    (run,) = house.serve()
    opened, *warnings, asked = own_lines(house, run.run_id)[: 2 + len(notes(house, job_id))]
    assert opened.startswith(f"{recipe.path} job {job_id}: attempt 1 opened\n")
    assert opened.splitlines()[1:] == before[2:5]
    assert len(warnings) == len(notes(house, job_id))
    assert asked.startswith(f"{recipe.path} job {job_id}: what is asked of ComfyUI\n")
    start = next(n for n, line in enumerate(before) if line.startswith("picture"))
    assert asked.splitlines()[2:] == before[start:]


def notes(house: House, job_id: UUID) -> tuple[str, ...]:
    understood = explained(house, job_id).understood
    assert understood.job
    assert understood.plan
    return (*understood.job.warnings, *understood.plan.notes)


@samples
def test_the_graph_that_is_told_is_the_graph_that_is_sent(
    house: House, comfyui: ComfyUIProcess, recipe: Recipe | Retouch
) -> None:
    job_id = order(house, recipe)
    told = explained(house, job_id).pictures
    house.serve()
    assert len(told) == 2
    for picture in told:
        prompt = str(prompt_id(job_id, picture.spec.slot, 0))
        history = httpx.get(f"{comfyui.url}/history/{prompt}").json()
        sent = cast("Nodes", history[prompt]["prompt"][2])
        assert comparable(cast("Nodes", picture.graph)) == comparable(sent)


def comparable(graph: Nodes) -> Nodes:
    """The graph without what is known only when pictures are uploaded.

    That is the names of their files, and where a picture is changed its size.
    """
    for node in graph.values():
        inputs = cast("dict[str, object]", node["inputs"])
        if str(node["class_type"]).startswith("LoadImage"):
            inputs["image"] = ""
        if node["class_type"] == "ImageScale":
            inputs |= {"width": 0, "height": 0}
    return graph


def test_an_order_that_was_served_is_told_with_its_pictures(house: House) -> None:
    job_id = order(house, RECIPES[0])
    house.serve()
    explanation = explained(house, job_id)
    made = explanation.found.made
    assert [(each.slot, each.state) for each in made] == [(0, "delivered"), (1, "delivered")]
    told = "\n".join(tell(explanation))
    assert "  state         completed, 2 of 2 pictures delivered, attempt 1" in told
    assert all(each.key and each.key in told for each in made)
