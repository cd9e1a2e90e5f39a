"""Rows as their attempts open them, with any input a test thinks of."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.job import Job, JobRow, Order, Payer, Ticket
from quel_dagster.model.parsing import parse
from quel_dagster.model.settings import LimitSettings

MEMBER = UUID("6d0e8f3a-52f2-4f0b-9a33-0f6a2c9b7711")
LIMITS = LimitSettings(images_per_job=60, prompt_chars=200)


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


def read(order_input: object, total_images: int = 3, job_type: str = "single_batch") -> Job:
    return parse(row(order_input, total_images, job_type), LIMITS)


def orders(
    order_input: object, total_images: int = 3, job_type: str = "single_batch"
) -> Sequence[Order]:
    return read(order_input, total_images, job_type).orders


def prompts(order_input: object, total_images: int, job_type: str) -> list[str]:
    """The words of each picture, in slot order."""
    found = orders(order_input, total_images, job_type)
    assert [order.slot for order in found] == list(range(len(found)))
    return [order.prompt for order in found]


def warnings(
    order_input: object, total_images: int = 1, job_type: str = "single_batch"
) -> list[str]:
    """What the log says, beside what every order without words and quantity is told."""
    usual = ("no words", "missing; read as", "made from words alone")
    said = read(order_input, total_images, job_type).warnings
    return [line for line in said if not any(words in line for words in usual)]


def refusal(order_input: object, total_images: int = 3, job_type: str = "single_batch") -> str:
    with pytest.raises(InvalidJob) as refused:
        parse(row(order_input, total_images, job_type), LIMITS)
    return str(refused.value)
