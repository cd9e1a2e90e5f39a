"""The tags by which operators find a job's runs."""

from dataclasses import replace
from uuid import UUID

import pytest

from quel_dagster.model.job import Reservation, Ticket
from quel_dagster.pipeline.tags import tags_of

JOB, CLAIM, PRODUCTION, MEMBER = (UUID(int=number) for number in range(1, 5))
RESERVATION = Reservation(
    ticket=Ticket(job_id=JOB, claim_id=CLAIM, attempt=2),
    path="eats",
    requested_path=None,
    production_id=PRODUCTION,
    member_id=MEMBER,
    job_type="single_batch",
)
TAGS = {
    "quel/path": "eats",
    "quel/job_id": str(JOB),
    "quel/production_id": str(PRODUCTION),
    "quel/member_id": str(MEMBER),
    "quel/job_type": "single_batch",
    "quel/attempt": "2",
}


def test_a_run_is_tagged_with_what_operators_ask_for() -> None:
    assert tags_of(RESERVATION) == TAGS


@pytest.mark.parametrize("requested", ["none", "shoes"])
def test_the_path_that_was_asked_for_is_tagged_where_the_fallback_serves(requested: str) -> None:
    reservation = replace(RESERVATION, requested_path=requested)
    assert tags_of(reservation) == {**TAGS, "quel/requested_path": requested}


def test_a_job_of_nobody_has_no_member_tag() -> None:
    expected = {key: value for key, value in TAGS.items() if key != "quel/member_id"}
    assert tags_of(replace(RESERVATION, member_id=None)) == expected
