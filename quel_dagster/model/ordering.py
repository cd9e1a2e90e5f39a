"""A job that is about to be ordered, and what became of the order.

What a job is once its row stands is in `job`; how a row's input is read, in `parsing`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from quel_dagster.model.job import Payer


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """One job with a photo of its own, checked and not yet written.

    Attributes:
        path: as the row will name it; None for a job that names none.
        pictures: how many it asks for.
        input: the row's `job_input_data`.
        name: of the photo, as is `description`.
    """

    job_id: UUID
    payer: Payer
    path: str | None
    job_type: str
    pictures: int
    input: Mapping[str, object]
    name: str | None = None
    description: str | None = None


@dataclass(frozen=True, kw_only=True)
class OrderKey:
    """By what a repeated order is known: the customer's key, and a hash of what was ordered."""

    key: str
    request: str


@dataclass(frozen=True, kw_only=True)
class Placed:
    """The rows of an order; `repeated` when they stood already."""

    job_id: UUID
    production_id: UUID
    repeated: bool = False
