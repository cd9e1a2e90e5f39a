"""How a row becomes orders: today's spellings, yesterday's, and what is refused."""

import json
import random
import string
from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.job import Job, JobRow, Order, Payer, Reference, Ticket
from quel_dagster.model.parsing import DEFAULT_PROMPT, parse
from quel_dagster.model.settings import LimitSettings

MEMBER = UUID("6d0e8f3a-52f2-4f0b-9a33-0f6a2c9b7711")
SOMEBODY_ELSE = UUID("11111111-52f2-4f0b-9a33-0f6a2c9b7711")
LIMITS = LimitSettings(images_per_job=60, prompt_chars=200)

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


def row(order_input: object, total_images: int = 3, job_type: str = "single_batch") -> JobRow:
    return JobRow(
        ticket=Ticket(job_id=UUID(int=1), claim_id=UUID(int=2)),
        path="fashion",
        requested_path=None,
        job_type=job_type,
        production_id=UUID(int=3),
        total_images=total_images,
        input=order_input,
        payer=Payer(member_id=MEMBER),
    )


def orders(order_input: object, total_images: int = 3) -> Sequence[Order]:
    return parse(row(order_input, total_images), LIMITS).orders


def simple_orders(order_input: object, total_images: int = 3) -> Sequence[Order]:
    return parse(row(order_input, total_images, "simple_general"), LIMITS).orders


def refusal(order_input: object, total_images: int = 3, job_type: str = "single_batch") -> str:
    with pytest.raises(InvalidJob) as refused:
        parse(row(order_input, total_images, job_type), LIMITS)
    return str(refused.value)


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


@pytest.mark.parametrize(
    ("quantity", "got"),
    [
        (0, "0"),
        (-1, "-1"),
        ("0", '"0"'),
        ("-2", '"-2"'),
        ("three", '"three"'),
        ("", '""'),
        ("2.0", '"2.0"'),
        ("٣", '"٣"'),
        (2.5, "2.5"),
        (float("inf"), "inf"),
        (True, "true"),
        (False, "false"),
        ([1], "a list"),
        ({}, "an object"),
        ("9" * 5000, '"' + "9" * 40 + '"'),
    ],
)
def test_a_quantity_that_is_no_number_of_pictures_is_refused(quantity: object, got: str) -> None:
    order_input = {"combinations": [{"quantity": 1}, {"quantity": quantity}]}
    expected = f"combinations[1].quantity: expected a whole number of 1 or more, got {got}"
    assert refusal(order_input) == expected


@pytest.mark.parametrize("quantity", [61, 10**9, "1000000000", 1e300, 10**400])
def test_an_order_for_more_pictures_than_configured_is_refused_at_once(quantity: object) -> None:
    order_input = {"combinations": [{"quantity": quantity}]}
    expected = "quantity: more than 60 pictures ordered; split the order"
    assert refusal(order_input, total_images=0) == expected
    assert refusal(order_input, total_images=10**9) == expected


def test_a_row_that_announces_more_pictures_than_configured_is_refused_at_once() -> None:
    expected = "quantity: more than 60 pictures ordered; split the order"
    assert refusal({}, total_images=2**31 - 1) == expected
    assert refusal({}, total_images=2**31 - 1, job_type="simple_general") == expected
    assert len(orders({}, total_images=60)) == 60


def test_combinations_may_not_sum_up_to_more_than_the_row_announces() -> None:
    order_input = {"combinations": [{"quantity": 2}, {"quantity": 2}]}
    expected = "quantity: 4 pictures ordered, but total_images announces 3"
    assert refusal(order_input, total_images=3) == expected
    assert len(orders(order_input, total_images=4)) == 4
    assert len(orders(order_input, total_images=5)) == 4


@pytest.mark.parametrize("field", ["basePrompt", "prompt"])
def test_a_prompt_may_be_as_long_as_configured_and_no_longer(field: str) -> None:
    assert len(orders({field: "a" * 200}, 1)) == 1
    assert refusal({field: "a" * 201}, 1) == "prompt: longer than 200 characters"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"basePrompt": 5}, "basePrompt: expected a text, got 5"),
        ({"prompt": ["a"]}, "prompt: expected a text, got a list"),
        ({"angle": {}}, "angle: expected a text, got an object"),
        ({"cameraAngle": True}, "cameraAngle: expected a text, got true"),
        ({"shotType": 1.5}, "shotType: expected a text, got 1.5"),
        ({"aspect-ratio": 16}, "aspect-ratio: expected a text, got 16"),
        ({"aspectRatio": []}, "aspectRatio: expected a text, got a list"),
        ({"negative_prompt": 0}, "negative_prompt: expected a text, got 0"),
        ({"userId": 7}, "userId: expected a text, got 7"),
        ({"isPreEdited": "yes"}, 'isPreEdited: expected true or false, got "yes"'),
        ({"isPreEdited": 1}, "isPreEdited: expected true or false, got 1"),
        ({"combinations": {}}, "combinations: expected a list, got an object"),
        ({"combinations": "front"}, 'combinations: expected a list, got "front"'),
        ({"combinations": [{}, "front"]}, 'combinations[1]: expected a JSON object, got "front"'),
        ({"combinations": [None]}, "combinations[0]: expected a JSON object, got null"),
        ({"combinations": [{"angle": 5}]}, "combinations[0].angle: expected a text, got 5"),
        ({"combinations": [{"shot": []}]}, "combinations[0].shot: expected a text, got a list"),
        ({"combinations": [{"fx": 1}]}, "combinations[0].fx: expected a text, got 1"),
        (
            {"individualImageAttachIds": "1,2"},
            'individualImageAttachIds: expected a list, got "1,2"',
        ),
        (
            {"individualImageAttachIds": [1, None]},
            "individualImageAttachIds[1]: expected a whole number of 1 or more, got null",
        ),
        (
            {"individualImageAttachIds": [[1]]},
            "individualImageAttachIds[0]: expected a whole number of 1 or more, got a list",
        ),
        (
            {"individualImageAttachIds": [{"type": "model"}]},
            "individualImageAttachIds[0].attachId: expected a whole number of 1 or more, got null",
        ),
        (
            {"individualImageAttachIds": [{"attachId": True}]},
            "individualImageAttachIds[0].attachId: expected a whole number of 1 or more, got true",
        ),
        (
            {"individualImageAttachIds": [{"attachId": 1, "type": 2}]},
            "individualImageAttachIds[0].type: expected a text, got 2",
        ),
        ([], "job_input_data: expected a JSON object, got a list"),
        ("{}", 'job_input_data: expected a JSON object, got "{}"'),
        (None, "job_input_data: expected a JSON object, got null"),
        (3, "job_input_data: expected a JSON object, got 3"),
    ],
)
def test_a_field_of_the_wrong_type_is_refused_by_its_place(given: object, expected: str) -> None:
    assert refusal(given) == expected


@pytest.mark.parametrize("job_type", ["pipeline_stage", "simple_portrait", "modify", ""])
def test_a_job_type_that_is_not_served_is_refused(job_type: str) -> None:
    expected = f"job_type: {job_type!r} is not served; use single_batch or simple_general"
    assert refusal({}, job_type=job_type) == expected


def test_an_order_to_retouch_under_a_mask_is_refused_rather_than_made_as_another() -> None:
    expected = "maskDataUrl: retouching a picture under a mask is not served"
    order_input = {"maskDataUrl": "data:image/png;base64,iVBORw0", "prompt": "", "quantity": 2}
    assert refusal(order_input, job_type="simple_general") == expected


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


FIELDS = (
    "basePrompt",
    "prompt",
    "combinations",
    "individualImageAttachIds",
    "uploadedAttachIds",
    "attachId",
    "type",
    "angle",
    "cameraAngle",
    "shot",
    "shotType",
    "quantity",
    "fx",
    "aspect-ratio",
    "aspectRatio",
    "negative_prompt",
    "isPreEdited",
    "userId",
)


NUMBERS = (0, 1, 3, -1, 61, 2**70, 10**400, -(10**400), 0.5, 2.0, 1e308, float("inf"), float("nan"))
LEAVES = (None, True, False, *NUMBERS, "", "1", "3", "-1", "9" * 5000, "front", str(MEMBER))
LETTERS = string.printable + "٣é지\U0001f457"


def arbitrary_json(chance: random.Random, depth: int = 4) -> object:
    """A value that often looks like an order: known fields, numbers as text, lists of objects."""
    kind = chance.randrange(10 if depth else 6)
    if kind < 5:
        return chance.choice(LEAVES)
    if kind == 5:
        return "".join(chance.choices(LETTERS, k=chance.randrange(12)))
    if kind < 8:
        return [arbitrary_json(chance, depth - 1) for _ in range(chance.randrange(4))]
    fields = chance.sample(FIELDS, k=chance.randrange(6))
    return {field: arbitrary_json(chance, depth - 1) for field in fields}


def test_whatever_json_comes_it_is_an_order_or_refused_as_one() -> None:
    chance = random.Random(20260214)
    served: list[Job] = []
    refused: list[InvalidJob] = []
    for _ in range(4000):
        order_input = arbitrary_json(chance)
        job_type = chance.choice(["single_batch", "simple_general"])
        total_images = chance.choice([-1, 0, 1, 3, 60, 61, 2**31 - 1])
        try:
            served.append(parse(row(order_input, total_images, job_type), LIMITS))
        except InvalidJob as refusal:
            refused.append(refusal)
    assert len(served) > 200
    assert len(refused) > 200
    for job in served:
        check_orders(job)
    assert all(error.field and len(str(error)) < 300 for error in refused)


def check_orders(job: Job) -> None:
    assert 1 <= len(job.orders) <= LIMITS.images_per_job
    assert [order.slot for order in job.orders] == list(range(len(job.orders)))
    for order in job.orders:
        assert order.prompt
        assert all(reference.attach_id >= 1 for reference in order.references)
