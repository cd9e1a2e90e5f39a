"""Counts that many processes add to at once."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from quel_dagster.model.errors import (
    BackendAway,
    InvalidJob,
    NoCredits,
    RenderFailed,
    Unavailable,
    kind_of,
)
from quel_dagster.services.counters import BEYOND, BOUNDS, Count, Counter, Counters, span
from quel_dagster.services.database import connect
from quel_dagster_tests.services.store.jobs import at_once

CRASHED = Count(name=Counter.FAILED, path="fashion", kind="crashed")
DONE = Count(name=Counter.COMPLETED, path="beauty", kind="all")


@pytest.fixture
def engine(database: str) -> Iterator[sa.Engine]:
    engine = connect(database, pool_size=20)
    yield engine
    engine.dispose()


@pytest.fixture
def counters(engine: sa.Engine) -> Counters:
    return Counters(engine)


def found(counters: Counters) -> dict[tuple[str, str, str], int]:
    return {(each.name.value, each.path, each.kind): each.n for each in counters.read()}


def test_nothing_is_counted_before_it_happens(counters: Counters) -> None:
    counters.add()
    assert counters.read() == []


def test_what_is_added_is_found_by_name_path_and_kind(counters: Counters) -> None:
    counters.add(CRASHED, DONE)
    counters.add(CRASHED)
    counters.add(Count(name=Counter.RING_DROPPED, kind="unknown", n=5))
    assert found(counters) == {
        ("failed", "fashion", "crashed"): 2,
        ("completed", "beauty", "all"): 1,
        ("ring_dropped", "", "unknown"): 5,
    }


def test_sixteen_who_count_in_different_orders_lose_nothing_and_wait_for_no_deadlock(
    counters: Counters,
) -> None:
    pairs = [(CRASHED, DONE), (DONE, CRASHED)]

    def count(turn: int) -> None:
        for _ in range(20):
            counters.add(*pairs[turn % 2])

    assert at_once([lambda turn=turn: count(turn) for turn in range(16)]) == [None] * 16
    assert set(found(counters).values()) == {320}


@pytest.mark.parametrize(
    ("length", "bucket"),
    [
        (timedelta(0), "1"),
        (timedelta(seconds=-5), "1"),
        (timedelta(seconds=1), "1"),
        (timedelta(seconds=1.001), "5"),
        (timedelta(minutes=2), "120"),
        (timedelta(hours=2), "7200"),
        (timedelta(days=3), BEYOND),
    ],
)
def test_a_span_falls_into_the_first_bucket_that_holds_it(length: timedelta, bucket: str) -> None:
    assert span(Counter.WAIT, "fashion", length).kind == bucket
    assert list(BOUNDS) == sorted(BOUNDS)


def test_spans_are_summed(counters: Counters) -> None:
    for seconds in (2.5, 4.0):
        counters.add(span(Counter.RUN, "fashion", timedelta(seconds=seconds)))
    (only,) = counters.read()
    assert (only.kind, only.n, only.seconds) == ("5", 2, 6.5)


def test_a_database_that_is_away_is_said_to_be_so() -> None:
    counters = Counters(connect("postgresql://postgres:@/quel?host=/nowhere"))
    with pytest.raises(Unavailable):
        counters.add(DONE)
    with pytest.raises(Unavailable):
        counters.read()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidJob("stages", "empty"), "invalid_job"),
        (NoCredits("short"), "no_credits"),
        (BackendAway("nobody answers"), "backend_away"),
        (RenderFailed("out of memory"), "render_failed"),
        (ZeroDivisionError(), "unforeseen"),
        (None, "unforeseen"),
    ],
)
def test_every_error_has_a_kind(error: BaseException | None, kind: str) -> None:
    assert kind_of(error) == kind
