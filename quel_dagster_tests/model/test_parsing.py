"""How a row becomes orders: today's spellings and yesterday's, how many pictures, and who pays."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

import pytest

from quel_dagster.model.job import Order, Payer
from quel_dagster.model.parsing import parse
from quel_dagster.model.spellings import DEFAULT_PROMPT
from quel_dagster_tests.model import zoo
from quel_dagster_tests.model.rows import LIMITS, MEMBER, orders, read, refusal, row, warnings

SOMEBODY_ELSE = UUID("11111111-52f2-4f0b-9a33-0f6a2c9b7711")
BATCH = "single_batch"


def test_a_job_keeps_what_its_row_says() -> None:
    there = replace(row(zoo.SINGLE_BATCH.input), requested_path="shoes")
    job = parse(there, LIMITS)
    assert (job.ticket, job.payer, job.production_id) == (
        there.ticket,
        there.payer,
        there.production_id,
    )
    assert (job.path, job.requested_path, job.job_type) == ("fashion", "shoes", BATCH)


def test_an_order_without_words_has_productions_defaults() -> None:
    assert orders({"userId": str(MEMBER)}, 1) == (
        Order(slot=0, prompt=DEFAULT_PROMPT, angle="", shot="", ratio="16:9"),
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"basePrompt": "new words", "prompt": "old words"}, {"prompt": "new words"}),
        ({"basePrompt": "  ", "prompt": "old words"}, {"prompt": "old words"}),
        ({"basePrompt": " kept\n as it is  "}, {"prompt": "kept\n as it is"}),
        ({"basePrompt": None}, {"prompt": DEFAULT_PROMPT}),
        ({"angle": "side", "cameraAngle": "back"}, {"angle": "side"}),
        ({"angle": "side", "combinations": [{"angle": "back"}]}, {"angle": "back"}),
        ({"angle": "side", "combinations": [{"angle": " "}]}, {"angle": "side"}),
        ({"shotType": "tight"}, {"shot": "tight"}),
        ({"shotType": "tight", "combinations": [{"shot": "full"}]}, {"shot": "full"}),
        ({"combinations": [{"fx": "aura"}]}, {"fx": "aura"}),
        ({"aspectRatio": "4:5"}, {"ratio": "4:5"}),
        ({"aspect-ratio": "1:1", "aspectRatio": "4:5"}, {"ratio": "1:1"}),
        ({"aspect-ratio": "1:1", "aspectRatio": 1.78}, {"ratio": "1:1"}),
        ({"aspect-ratio": None, "aspectRatio": None}, {"ratio": "16:9"}),
        ({"negative_prompt": "hats"}, {"negative": "hats"}),
        ({"isPreEdited": True}, {"pre_edited": True}),
        ({"isPreEdited": None}, {"pre_edited": False}),
        ({"seed": 7}, {"seed": 7}),
        ({"seed": 7, "combinations": [{"seed": 0}]}, {"seed": 0}),
        ({"seed": 7, "combinations": [{"seed": None}]}, {"seed": 7}),
    ],
)
def test_every_spelling_of_a_field_is_understood(
    given: dict[str, object], expected: Mapping[str, object]
) -> None:
    (order,) = orders(given, 1)
    assert replace(order, where="") == replace(Order(slot=0, prompt=DEFAULT_PROMPT), **expected)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"prompt": "old words"}, {"prompt": "old words"}),
        ({"cameraAngle": "back"}, {"angle": "back"}),
        ({"quantity": 2}, {"copy": 1, "slot": 1}),
        ({"individualImageAttachIds": [1, 2]}, {"ids": [1, 2]}),
        ({"individualImageAttachIds": ["1"]}, {"ids": [1]}),
        ({"mergedImageAttachId": 9}, {"ids": [9], "kinds": ["merged"]}),
        ({"mergedImageAttachId": 9, "individualImageAttachIds": [1]}, {"ids": [1]}),
    ],
)
def test_w50_legacy_keys_are_honoured(
    given: dict[str, object], expected: Mapping[str, object]
) -> None:
    order = orders(given, 4 if "quantity" not in given else 2)[-1]
    found = {
        "prompt": order.prompt,
        "angle": order.angle,
        "slot": order.slot,
        "copy": order.copy,
        "ids": [each.attach_id for each in order.references],
        "kinds": [each.kind for each in order.references],
    }
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([1, 2], [(1, "none"), (2, "none")]),
        (["51201", {"attachId": "51202", "type": "outer"}], [(51201, "none"), (51202, "outer")]),
        ([{"attachId": 7}, {"attachId": 8, "type": None}], [(7, "none"), (8, "none")]),
        ([{"attachId": 7.0, "type": " Shoes "}], [(7, "shoes")]),
        ([2**63 - 1], [(2**63 - 1, "none")]),
        ([], []),
        (None, []),
    ],
)
@pytest.mark.parametrize(
    ("field", "job_type"),
    [
        ("individualImageAttachIds", BATCH),
        ("individualImageAttachIds", "pipeline_stage"),
        ("uploadedAttachIds", "simple_general"),
    ],
)
def test_every_spelling_of_a_reference_is_understood(
    given: object, expected: list[tuple[int, str]], field: str, job_type: str
) -> None:
    (order,) = orders({field: given}, 1, job_type)
    assert [(found.attach_id, found.kind) for found in order.references] == expected
    places = [f"{field}[{index}]" for index in range(len(expected))]
    assert [found.where for found in order.references] == places


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
        ({"combinations": [{"quantity": None}], "quantity": 3}, 4, 3),
        ({"combinations": [{"quantity": 1}], "quantity": 3}, 4, 1),
        ({"combinations": [{"quantity": "3"}]}, 4, 3),
        ({"combinations": [{"quantity": " +3 "}]}, 4, 3),
        ({"combinations": [{"quantity": 2.0}]}, 4, 2),
        ({"combinations": [{}, {}], "quantity": 3}, 4, 2),
        ({"combinations": [{"quantity": 3}, {}]}, 4, 4),
        ({"combinations": [{"quantity": 5}]}, 0, 5),
    ],
)
def test_quantities_say_how_many_pictures_are_made(
    given: object, total_images: int, pictures: int
) -> None:
    assert [order.slot for order in orders(given, total_images)] == list(range(pictures))


@pytest.mark.parametrize(
    ("key", "job_type"), [("combinations", BATCH), ("stages", "pipeline_stage")]
)
def test_w19_a_missing_quantity_among_several_is_one_picture_and_never_the_total_for_each(
    key: str, job_type: str
) -> None:
    assert [order.where for order in orders({key: [{}, {"quantity": None}]}, 4, job_type)] == [
        f"{key}[0]",
        f"{key}[1]",
    ]


@pytest.mark.parametrize(
    ("key", "job_type"), [("combinations", BATCH), ("stages", "pipeline_stage")]
)
def test_w19_more_pictures_than_the_row_announces_are_refused_where_the_sum_grows_too_large(
    key: str, job_type: str
) -> None:
    order_input = {key: [{"quantity": 2}, {"quantity": 2}, {"quantity": 1}]}
    expected = f"{key}[1].quantity: 4 pictures ordered so far, but total_images announces 3"
    assert refusal(order_input, 3, job_type) == expected
    assert len(orders(order_input, 5, job_type)) == 5
    assert len(orders(order_input, 9, job_type)) == 5
    assert len(orders(order_input, 0, job_type)) == 5


@pytest.mark.parametrize("user", [str(SOMEBODY_ELSE), "nobody"])
def test_w20_the_row_pays_even_where_the_input_names_another(user: str) -> None:
    job = read({"userId": user, "basePrompt": "a suit", "quantity": 3})
    assert job.payer == Payer(member_id=MEMBER)
    (warning,) = job.warnings
    assert warning.startswith("userId: ")
    assert warning.endswith(f" is not the row's quel_member_id {MEMBER}; the row pays")


@pytest.mark.parametrize("user", [str(MEMBER), "nobody"])
def test_w20_a_row_that_names_no_member_is_not_charged_to_the_inputs(user: str) -> None:
    there = row({"userId": user, "basePrompt": "a suit", "quantity": 3})
    job = parse(replace(there, payer=Payer(member_id=None)), LIMITS)
    assert job.payer == Payer(member_id=None)
    assert job.warnings == (
        f'userId: "{user}" is not the row\'s quel_member_id null; the row pays',
    )


@pytest.mark.parametrize("user", ["", None])
def test_w20_the_row_pays_where_the_input_names_nobody(user: str | None) -> None:
    job = read({"userId": user, "basePrompt": "a suit", "quantity": 3})
    assert job.payer == Payer(member_id=MEMBER)
    assert job.warnings == ()


def test_a_warning_shows_no_more_of_a_user_id_than_tells_it_apart() -> None:
    (warning,) = warnings({"userId": "u" * 100_000})
    assert len(warning) < 200


@pytest.mark.parametrize("user", [str(MEMBER), str(MEMBER).upper(), f" {MEMBER} ", "", None])
def test_an_input_that_names_the_rows_member_or_nobody_is_not_warned_about(
    user: str | None,
) -> None:
    assert warnings({"userId": user}) == []
