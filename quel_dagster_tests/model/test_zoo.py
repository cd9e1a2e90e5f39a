"""Every kind of order becomes the pictures it asks for, in their order, ratio and references."""

from dataclasses import replace

from quel_dagster.model.job import Job, Order, Reference
from quel_dagster.model.parsing import parse
from quel_dagster.model.retouch import Attached
from quel_dagster_tests.model import zoo
from quel_dagster_tests.model.rows import LIMITS, row


def read(animal: zoo.Animal) -> Job:
    there = row(animal.input, animal.total_images, animal.job_type)
    return parse(replace(there, path=animal.path or "fashion"), LIMITS)


def references(kinds: dict[int, str]) -> tuple[Reference, ...]:
    return tuple(Reference(attach_id=number, kind=kind) for number, kind in kinds.items())


def test_a_single_batch_is_its_combinations() -> None:
    job = read(zoo.SINGLE_BATCH)
    front = Order(
        slot=0,
        prompt="linen suit, late summer terrace, calm mood",
        angle="front",
        shot="full",
        ratio="9:16",
        references=references(
            {51201: "model", 51202: "outer", 51203: "pants", 51204: "shoes", 51205: "background"}
        ),
        where="combinations[0]",
    )
    assert job.orders == (
        front,
        replace(front, slot=1, copy=1),
        replace(front, slot=2, angle="back", shot="tight", where="combinations[1]"),
    )
    assert job.warnings == ()


def test_an_old_single_batch_is_one_combination_itself() -> None:
    job = read(zoo.LEGACY_BATCH)
    first = Order(
        slot=0,
        prompt="wool coat, first frost",
        angle="side",
        ratio="4:5",
        references=references({51301: "none", 51302: "none"}),
    )
    assert job.orders == (first, replace(first, slot=1, copy=1))
    assert job.warnings == (
        'individualImageAttachIds[1]: "51302" is a text, read as the number 51302',
        'quantity: "2" is a text, read as the number 2',
    )


def test_stages_are_pictures_of_their_own_each_in_its_ratio() -> None:
    job = read(zoo.PIPELINE_STAGE)
    noodles = Order(
        slot=0,
        prompt="hand-pulled noodles in broth, steam",
        angle="overhead",
        shot="full-plate",
        ratio="1:1",
        pre_edited=True,
        references=references({61010: "food", 61011: "ingredient"}),
        own_camera=True,
        where="stages[0]",
    )
    soba = Order(
        slot=2,
        prompt="cold soba with dipping sauce",
        ratio="16:9",
        references=references({61020: "food", 61021: "background"}),
        own_camera=True,
        where="stages[1]",
    )
    assert job.orders == (noodles, replace(noodles, slot=1, copy=1), soba)
    assert job.warnings == ()


def test_old_stages_have_one_merged_sheet_each_and_numbers_as_text() -> None:
    job = read(zoo.LEGACY_STAGE)
    first = Order(
        slot=0,
        prompt="rain cape on a pier",
        references=references({61101: "merged"}),
        own_camera=True,
        where="stages[1]",
    )
    second = replace(
        first,
        slot=1,
        prompt="the same cape from behind",
        references=references({61102: "merged"}),
        where="stages[0]",
    )
    assert job.orders == (first, second)


def test_a_simple_order_uses_all_its_uploads_for_every_picture() -> None:
    job = read(zoo.SIMPLE_GENERAL)
    first = Order(
        slot=0,
        prompt="studio packshot on grey",
        ratio="1:1",
        references=references({70001: "bag", 70002: "shoes"}),
        own_camera=True,
        free=True,
    )
    assert job.orders == (first, replace(first, slot=1, copy=1))
    assert job.warnings == ()


def test_a_portrait_order_is_one_picture_of_each_merged_one() -> None:
    job = read(zoo.SIMPLE_PORTRAIT)
    coat = Order(
        slot=0,
        prompt="keep the person, change to winter coat",
        ratio="3:4",
        references=references({71001: "none"}),
        own_camera=True,
        free=True,
        where="mergedImages[0]",
    )
    scarf = replace(
        coat,
        slot=1,
        prompt="keep the person, add scarf",
        references=references({71002: "none"}),
        where="mergedImages[1]",
    )
    assert job.orders == (coat, scarf)
    assert job.warnings == ()


def test_a_mask_makes_a_picture_to_retouch_whatever_the_job_type_says() -> None:
    job = read(zoo.MODIFY)
    assert [(order.slot, order.copy, order.ratio) for order in job.orders] == [
        (0, 0, "4:3"),
        (1, 1, "4:3"),
    ]
    for order in job.orders:
        assert order.retouch is not None
        assert order.retouch.original == Attached(field="originalAttachId", attach_id=80001)
        assert [layer.prompt for layer in order.retouch.layers] == ["turn into a brass button"]
    assert job.warnings == ()
