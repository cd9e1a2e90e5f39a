"""How a row becomes orders: today's spellings and yesterday's, how many pictures, and who pays."""

import json
from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

import pytest

from quel_dagster.model.job import Order, Payer, Reference
from quel_dagster.model.parsing import DEFAULT_PROMPT, parse
from quel_dagster_tests.model.rows import LIMITS, MEMBER, orders, row, simple_orders

SOMEBODY_ELSE = UUID("11111111-52f2-4f0b-9a33-0f6a2c9b7711")
BATCH = """
{"basePrompt":"linen suit, late summer terrace, calm mood",
 "individualImageAttachIds":[{"attachId":51201,"type":"model"},{"attachId":51202,"type":"outer"},
   {"attachId":51203,"type":"pants"},{"attachId":51204,"type":"shoes"},{"attachId":51205,"type":"background"}],
 "mergedImageAttachId":null,
 "combinations":[{"angle":"front","shot":"full","quantity":2},{"angle":"back","shot":"tight","quantity":1}],
 "userId":"6d0e8f3a-52f2-4f0b-9a33-0f6a2c9b7711","category":"fashion","globalContext":null,
 "aspectRatio":"9:16","aspect-ratio":"9:16"}
"""

SIMPLE = """
{"prompt":"studio packshot on grey",
 "uploadedAttachIds":[{"attachId":70001,"type":"bag"},{"attachId":70002,"type":"shoes"}],
 "aspect-ratio":"1:1","userId":"6d0e8f3a-52f2-4f0b-9a33-0f6a2c9b7711"}
"""


def test_a_batch_becomes_one_order_per_picture_in_slot_order() -> None:
    job = parse(row(json.loads(BATCH)), LIMITS)
    kinds = ("model", "outer", "pants", "shoes", "background")
    front = Order(
        slot=0,
        prompt="linen suit, late summer terrace, calm mood",
        angle="front",
        shot="full",
        ratio="9:16",
        references=tuple(
            Reference(attach_id=51201 + number, kind=kind) for number, kind in enumerate(kinds)
        ),
    )
    assert job.orders == (
        front,
        replace(front, slot=1),
        replace(front, slot=2, angle="back", shot="tight"),
    )
    assert job.warnings == ()


def test_a_job_keeps_what_its_row_says() -> None:
    there = replace(row(json.loads(BATCH)), requested_path="shoes")
    job = parse(there, LIMITS)
    assert (job.ticket, job.payer, job.production_id) == (
        there.ticket,
        there.payer,
        there.production_id,
    )
    assert (job.path, job.requested_path, job.job_type) == ("fashion", "shoes", "single_batch")


def test_a_simple_order_uses_all_its_uploads_for_every_picture() -> None:
    first, second = simple_orders(json.loads(SIMPLE), total_images=2)
    assert first == Order(
        slot=0,
        prompt="studio packshot on grey",
        ratio="1:1",
        references=(
            Reference(attach_id=70001, kind="bag"),
            Reference(attach_id=70002, kind="shoes"),
        ),
    )
    assert second == replace(first, slot=1)


@pytest.mark.parametrize(("total_images", "pictures"), [(1, 1), (5, 5), (0, 1), (-2, 1)])
def test_a_simple_order_is_for_as_many_pictures_as_its_row_announces(
    total_images: int, pictures: int
) -> None:
    assert [order.slot for order in simple_orders({}, total_images)] == list(range(pictures))


def test_an_order_without_words_has_productions_defaults() -> None:
    assert orders({"userId": str(MEMBER)}, 1) == (
        Order(slot=0, prompt=DEFAULT_PROMPT, angle="", shot="", ratio="16:9"),
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"prompt": "old words"}, {"prompt": "old words"}),
        ({"basePrompt": "new words", "prompt": "old words"}, {"prompt": "new words"}),
        ({"basePrompt": "  ", "prompt": "old words"}, {"prompt": "old words"}),
        ({"basePrompt": " kept\n as it is  "}, {"prompt": "kept\n as it is"}),
        ({"basePrompt": None}, {"prompt": DEFAULT_PROMPT}),
        ({"cameraAngle": "back"}, {"angle": "back"}),
        ({"angle": "side", "cameraAngle": "back"}, {"angle": "side"}),
        ({"angle": "side", "combinations": [{"angle": "back"}]}, {"angle": "back"}),
        ({"angle": "side", "combinations": [{"angle": " "}]}, {"angle": "side"}),
        ({"shotType": "tight"}, {"shot": "tight"}),
        ({"shotType": "tight", "combinations": [{"shot": "full"}]}, {"shot": "full"}),
        ({"combinations": [{"fx": "aura"}]}, {"fx": "aura"}),
        ({"aspectRatio": "4:5"}, {"ratio": "4:5"}),
        ({"aspect-ratio": "1:1", "aspectRatio": "4:5"}, {"ratio": "1:1"}),
        ({"aspect-ratio": None, "aspectRatio": None}, {"ratio": "16:9"}),
        ({"negative_prompt": "hats"}, {"negative": "hats"}),
        ({"isPreEdited": True}, {"pre_edited": True}),
        ({"isPreEdited": None}, {"pre_edited": False}),
    ],
)
def test_every_spelling_of_a_field_is_understood(
    given: dict[str, object], expected: Mapping[str, object]
) -> None:
    (order,) = orders(given, 1)
    assert order == replace(Order(slot=0, prompt=DEFAULT_PROMPT), **expected)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([1, 2], [(1, "none"), (2, "none")]),
        (["51201", {"attachId": "51202", "type": "outer"}], [(51201, "none"), (51202, "outer")]),
        ([{"attachId": 7}, {"attachId": 8, "type": None}], [(7, "none"), (8, "none")]),
        ([{"attachId": 7.0, "type": " Shoes "}], [(7, "shoes")]),
        ([], []),
        (None, []),
    ],
)
@pytest.mark.parametrize(
    ("field", "job_type"),
    [("individualImageAttachIds", "single_batch"), ("uploadedAttachIds", "simple_general")],
)
def test_every_spelling_of_a_reference_is_understood(
    given: object, expected: list[tuple[int, str]], field: str, job_type: str
) -> None:
    (order,) = parse(row({field: given}, 1, job_type), LIMITS).orders
    assert [(found.attach_id, found.kind) for found in order.references] == expected


@pytest.mark.parametrize(
    ("given", "total_images", "pictures"),
    [
        ({}, 4, 4),
        ({}, 0, 1),
        ({}, -3, 1),
        ({"quantity": 2}, 4, 2),
        ({"quantity": "2"}, 4, 2),
        ({"combinations": []}, 4, 4),
        ({"combinations": None}, 4, 4),
        ({"combinations": [{}]}, 4, 4),
        ({"combinations": [{"quantity": None}]}, 4, 4),
        ({"combinations": [{"quantity": 1}], "quantity": 3}, 4, 1),
        ({"combinations": [{"quantity": "3"}]}, 4, 3),
        ({"combinations": [{"quantity": " 3 "}]}, 4, 3),
        ({"combinations": [{"quantity": 2.0}]}, 4, 2),
        ({"combinations": [{}, {}]}, 4, 2),
        ({"combinations": [{"quantity": 3}, {}]}, 4, 4),
        ({"combinations": [{"quantity": 5}]}, 0, 5),
    ],
)
def test_quantities_say_how_many_pictures_are_made(
    given: object, total_images: int, pictures: int
) -> None:
    assert [order.slot for order in orders(given, total_images)] == list(range(pictures))


@pytest.mark.parametrize("mask", [None, "", " "])
def test_an_empty_mask_is_no_mask(mask: str | None) -> None:
    assert len(orders({"maskDataUrl": mask}, 2)) == 2


@pytest.mark.parametrize("user", [str(SOMEBODY_ELSE), "nobody"])
def test_who_pays_is_the_row_even_where_the_input_names_another(user: str) -> None:
    job = parse(row({"userId": user}), LIMITS)
    assert job.payer == Payer(member_id=MEMBER)
    (warning,) = job.warnings
    assert user in warning
    assert str(MEMBER) in warning


def test_a_warning_shows_no_more_of_a_user_id_than_tells_it_apart() -> None:
    (warning,) = parse(row({"userId": "u" * 100_000}), LIMITS).warnings
    assert len(warning) < 200


@pytest.mark.parametrize("user", [str(MEMBER), str(MEMBER).upper(), f" {MEMBER} ", "", None])
def test_an_input_that_names_the_rows_member_or_nobody_is_not_warned_about(
    user: str | None,
) -> None:
    assert parse(row({"userId": user}), LIMITS).warnings == ()
