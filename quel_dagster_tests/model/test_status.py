"""What a photo's jobs make of the photo, over every set of states they can be in."""

from collections.abc import Iterable, Iterator
from itertools import chain, combinations

import pytest

from quel_dagster.model.status import FINAL, JobStatus, PhotoStatus, photo_status


def sets_of(statuses: Iterable[JobStatus]) -> Iterator[frozenset[JobStatus]]:
    """Every subset, the empty one included."""
    members = sorted(statuses)
    sizes = range(len(members) + 1)
    return map(frozenset, chain.from_iterable(combinations(members, size) for size in sizes))


@pytest.mark.parametrize("open_status", [JobStatus.PENDING, JobStatus.PROCESSING])
def test_one_open_job_keeps_the_photo_processing(open_status: JobStatus) -> None:
    for others in sets_of(JobStatus):
        assert photo_status({open_status} | others) is PhotoStatus.PROCESSING


def test_one_completed_job_completes_a_photo_without_open_jobs() -> None:
    for others in sets_of(FINAL):
        assert photo_status({JobStatus.COMPLETED} | others) is PhotoStatus.COMPLETED


def test_a_photo_without_pictures_failed_as_soon_as_one_job_did() -> None:
    for others in sets_of(FINAL - {JobStatus.COMPLETED}):
        assert photo_status({JobStatus.FAILED} | others) is PhotoStatus.FAILED


def test_a_photo_is_cancelled_only_when_all_its_jobs_are() -> None:
    cancelled = {JobStatus.CANCELLED, JobStatus.USER_CANCELLED}
    for some in filter(None, sets_of(cancelled)):
        assert photo_status(some) is PhotoStatus.USER_CANCELLED


def test_production_spells_the_states_of_jobs_and_photos_alike() -> None:
    assert {status.value for status in PhotoStatus} == {status.value for status in JobStatus}
