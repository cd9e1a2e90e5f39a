"""Whatever is ordered is understood or refused: nothing crashes, nobody gets more than ordered."""

import os
import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.job import Job
from quel_dagster.model.parsing import parse
from quel_dagster.model.sizes import SIZES
from quel_dagster.model.spellings import LARGEST
from quel_dagster_tests.model.grammar import SHAPES, WILD
from quel_dagster_tests.model.rows import LIMITS, row

INPUTS = 2000
"""For each of five shapes; CI draws the same ones every time."""

LISTS = {
    "single_batch": "combinations",
    "pipeline_stage": "stages",
    "simple_portrait": "mergedImages",
}
UNCOUNTED = {"simple_general", "simple_portrait"}
COLUMNS = {"job_type", "total_images", "job_input_data"}
TOTALS = st.sampled_from([-1, 0, 1, 2, 3, 5, 60, 61, 2**31 - 1])

often = settings(
    max_examples=INPUTS,
    deadline=None,
    derandomize="CI" in os.environ,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)


def understood(order_input: object, total_images: int, job_type: str) -> Job | None:
    """The job, or None where it is refused; checks either as far as any input allows."""
    try:
        job = parse(row(order_input, total_images, job_type), LIMITS)
    except InvalidJob as refused:
        check_refusal(refused, order_input)
        return None
    assert isinstance(order_input, dict)
    assert 1 <= len(job.orders) <= most_pictures(order_input, total_images, job_type)
    check_orders(job)
    return job


def most_pictures(order_input: dict[str, object], total_images: int, job_type: str) -> int:
    """What the row announces; where it announces nothing, what the input itself asks for."""
    asked = total_images if total_images > 0 else sum(quantities(order_input, job_type))
    return min(asked, LIMITS.images_per_job)


def quantities(order_input: dict[str, object], job_type: str) -> Iterator[int]:
    """Of each entry of an input that was understood; no entry means one, and no quantity too."""
    entries = order_input.get(LISTS.get(job_type, "")) or [order_input]
    assert isinstance(entries, list)
    for entry in entries:
        of_order = order_input.get("quantity") if len(entries) == 1 else None
        quantity = entry.get("quantity") or of_order or 1
        yield 1 if job_type in UNCOUNTED else int(float(str(quantity)))


def check_orders(job: Job) -> None:
    assert [order.slot for order in job.orders] == list(range(len(job.orders)))
    for order in job.orders:
        words = (order.prompt, order.angle, order.shot, order.fx, order.negative)
        assert order.prompt or order.retouch
        assert all(len(text) <= LIMITS.prompt_chars for text in words)
        assert order.ratio in SIZES or (order.retouch and not order.ratio)
        assert all(1 <= reference.attach_id <= LARGEST for reference in order.references)
        assert order.seed is None or 0 <= order.seed <= LARGEST
        assert_can_be_stored("\n".join(words))
    assert len(job.warnings) <= 21
    assert_can_be_stored("\n".join(job.warnings))


def check_refusal(refused: InvalidJob, order_input: object) -> None:
    """The field is there, or missing from an object that is there and where it is expected."""
    assert_can_be_stored(str(refused))
    assert len(str(refused)) < 400
    assert refused.problem
    if refused.field not in COLUMNS:
        *places, last = steps(refused.field)
        for step in places:
            order_input = inside(order_input, step)
        if isinstance(last, int):
            inside(order_input, last)
        else:
            assert isinstance(order_input, dict)
            assert last in order_input or last in EXPECTED


def inside(value: object, step: str | int) -> object:
    if isinstance(step, int):
        assert isinstance(value, list)
        return value[step]
    assert isinstance(value, dict)
    return value[step]


def steps(field: str) -> Iterator[str | int]:
    """`stages[1].quantity` as stages, 1, quantity."""
    assert re.fullmatch(r"[\w-]+(\[\d+\])*(\.[\w-]+(\[\d+\])*)*", field), field
    for index, name in re.findall(r"\[(\d+)\]|([\w-]+)", field):
        yield int(index) if index else name


EXPECTED = {
    "quantity",
    "attachId",
    "mergedImages",
    "stage_index",
    "originalImageUrl",
    "maskDataUrl",
    "prompt",
}
"""Fields that may be named though they are missing."""


def assert_can_be_stored(text: str) -> None:
    """PostgreSQL takes every character but NUL, and no half of a surrogate pair."""
    assert "\0" not in text
    text.encode()


@pytest.mark.parametrize("job_type", SHAPES)
def test_an_order_of_any_shape_is_understood_or_refused_by_a_field(job_type: str) -> None:
    found: list[bool] = []

    @often
    @given(order_input=SHAPES[job_type], total_images=TOTALS)
    def check(order_input: object, total_images: int) -> None:
        found.append(understood(order_input, total_images, job_type) is not None)

    check()
    assert len(found) >= INPUTS
    assert len(found) / 10 < sum(found) < len(found) * 9 / 10


@settings(often, max_examples=500)
@given(order_input=WILD, job_type=st.sampled_from([*SHAPES, "multiview", "\0"]))
def test_any_json_is_understood_or_refused_by_a_field(order_input: object, job_type: str) -> None:
    understood(order_input, 3, job_type)
