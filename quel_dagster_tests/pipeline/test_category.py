"""What a category makes of orders and reservations."""

import re
from dataclasses import replace
from itertools import product
from pathlib import Path
from uuid import UUID

import dagster as dg
import pytest

from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.job import Order, Reference, Reservation, Ticket
from quel_dagster.model.spec import Scene, Sheet
from quel_dagster.pipeline.category import Category, notes, one_picture_per_order, seed_of, spec_of
from quel_dagster.pipeline.tags import tags_of

JOB = UUID("6d0e8f3a-52f2-4f0b-9a33-0f6a2c9b7711")
ORDER = Order(slot=3, prompt="a bowl of noodles", ratio="4:5")
FOOD = tuple(Reference(attach_id=number, kind="food") for number in (1, 2))
SCENE = Scene(description="noodles", sheets=(Sheet(role="food", references=FOOD),))
RESERVATION = Reservation(
    ticket=Ticket(job_id=JOB, claim_id=UUID(int=2), attempt=2),
    path="eats",
    requested_path="noodles",
    production_id=UUID(int=3),
    member_id=None,
    job_type="single_batch",
)


@pytest.fixture(scope="module")
def category() -> Category:
    return one_picture_per_order(
        "eats", about="Food.", compose=lambda order: Scene(description=order.prompt), folder=Path()
    )


def test_a_spec_is_the_scene_in_the_size_of_the_order() -> None:
    spec = spec_of(JOB, ORDER, SCENE)
    assert (spec.slot, spec.scene) == (3, SCENE)
    assert (spec.width, spec.height) == (896, 1088)
    assert spec.seed == seed_of(JOB, 3)


def test_a_ratio_that_is_not_made_is_refused_by_its_field() -> None:
    with pytest.raises(InvalidJob, match=re.escape("aspect-ratio: '7:5' is not a ratio we make")):
        spec_of(JOB, replace(ORDER, ratio="7:5"), SCENE)


def test_a_seed_never_changes_between_attempts_and_versions() -> None:
    assert seed_of(JOB, 0) == 4433797274049028900


def test_every_picture_has_a_seed_of_its_own_that_the_renderer_takes() -> None:
    seeds = {seed_of(UUID(int=job), slot) for job, slot in product(range(100), range(20))}
    assert len(seeds) == 2000
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert max(seeds) > 2**62


def test_a_seed_that_was_given_is_the_first_pictures_and_the_next_ones_count_on() -> None:
    given = [replace(ORDER, seed=7, copy=copy) for copy in range(3)]
    assert [spec_of(JOB, order, SCENE).seed for order in given] == [7, 8, 9]
    assert spec_of(JOB, replace(ORDER, seed=0), SCENE).seed == 0


def test_seeds_begin_anew_after_the_largest() -> None:
    last = replace(ORDER, seed=2**63 - 1, copy=1)
    assert spec_of(JOB, last, SCENE).seed == 0


def test_references_that_no_picture_uses_are_noted_once() -> None:
    references = tuple(
        Reference(attach_id=number, kind="food", where=f"individualImageAttachIds[{number - 1}]")
        for number in (1, 2, 3)
    )
    orders = [replace(ORDER, slot=slot, references=references) for slot in range(2)]
    specs = [spec_of(JOB, order, replace(SCENE, notes=("as one of no kind",))) for order in orders]
    assert dict.fromkeys(notes(orders, specs)) == {
        "as one of no kind": None,
        "individualImageAttachIds[2]: no picture uses reference 3": None,
    }


def test_a_reservation_becomes_a_run_of_the_category_with_its_ticket(category: Category) -> None:
    request = category.run_request(RESERVATION)
    assert request.job_name == "eats"
    assert request.tags == tags_of(RESERVATION)
    config = {"job_id": str(JOB), "claim_id": str(UUID(int=2)), "attempt": 2}
    assert request.run_config["ops"] == {"open_job": {"config": config}}


def test_every_claim_has_a_run_key_of_its_own(category: Category) -> None:
    first = replace(RESERVATION.ticket, claim_id=UUID(int=4))
    second = replace(RESERVATION.ticket, claim_id=UUID(int=5))
    tickets = (first, second, first)
    keys = [category.run_request(replace(RESERVATION, ticket=each)).run_key for each in tickets]
    assert keys[0] != keys[1]
    assert keys[0] == keys[2]


def test_the_job_of_a_category_is_named_described_and_tagged_by_its_path(
    category: Category,
) -> None:
    assert category.job.name == "eats"
    about, _, more = (category.job.description or "").partition("\n\n")
    assert about == "Food."
    assert "started by the sensor `job_queue`" in more
    assert category.job.tags["quel/path"] == "eats"
    assert isinstance(category.job, dg.JobDefinition)
    assert {node.name for node in category.job.nodes} == {
        "open_job",
        "eats_specs",
        "produce",
        "settle_job",
    }
