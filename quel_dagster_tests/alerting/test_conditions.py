"""What is alarming about a path: pure rules over counts and depths."""

from datetime import UTC, datetime, timedelta

from quel_dagster.alerting.conditions import (
    EVERY,
    Ended,
    Snapshot,
    Traffic,
    no_capacity,
    remembered,
    snapshot,
    too_many_failures,
    traffic,
)
from quel_dagster.model.alert import AlertKind
from quel_dagster.model.alerting import AlertSettings
from quel_dagster.model.status import Phase
from quel_dagster.services.counters import Count, Counter
from quel_dagster.services.depths import Depth, Living

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
SETTINGS = AlertSettings(failure_rate=0.5, failure_jobs=4)


def at(minutes: float, **paths: tuple[int, int]) -> Snapshot:
    ended = {path: Ended(jobs=jobs, failed=failed) for path, (jobs, failed) in paths.items()}
    return Snapshot(at=NOON + timedelta(minutes=minutes), paths=ended)


def test_the_counters_tell_what_ended_and_what_failed() -> None:
    counts = [
        Count(name=Counter.COMPLETED, path="eats", kind="all", n=7),
        Count(name=Counter.COMPLETED, path="eats", kind="some", n=1),
        Count(name=Counter.FAILED, path="eats", kind="invalid_job", n=2),
        Count(name=Counter.CANCELLED, path="eats", n=5),
    ]
    assert snapshot(NOON, counts) == at(0, eats=(10, 2))


def test_only_what_ended_since_counts() -> None:
    alerts = too_many_failures(at(0, eats=(100, 0)), at(15, eats=(104, 2)), SETTINGS)
    (alert,) = alerts
    assert (alert.kind, alert.path) == (AlertKind.FAILURE_RATE, "eats")
    assert alert.told.startswith("2 of 4 eats jobs failed in the last 15 min")


def test_a_share_of_next_to_nothing_means_nothing() -> None:
    assert too_many_failures(at(0), at(15, eats=(3, 3)), SETTINGS) == []


def test_below_the_share_all_is_well() -> None:
    assert too_many_failures(at(0), at(15, eats=(100, 49)), SETTINGS) == []


def test_one_that_lasts_is_told_once_an_hour() -> None:
    events = [
        alert.event
        for minute in (0, 30, 61)
        for alert in too_many_failures(at(-15), at(minute, eats=(9, 9)), SETTINGS)
    ]
    assert events == [
        "failure_rate/eats/2026-01-31T12",
        "failure_rate/eats/2026-01-31T12",
        "failure_rate/eats/2026-01-31T13",
    ]


def test_one_snapshot_a_minute_is_kept_and_one_from_before_the_window() -> None:
    history, now = (at(0),), at(0)
    for second in range(5, 1800, 5):
        now = at(second / 60, eats=(second, 0))
        history = remembered(history, now, timedelta(minutes=15))
    assert len(history) <= timedelta(minutes=15) / EVERY + 2
    assert timedelta(minutes=15) <= now.at - history[0].at <= timedelta(minutes=15) + EVERY


def test_a_path_that_waits_although_it_has_room_is_stuck() -> None:
    depths = [Depth(path="eats", waiting=3, oldest=timedelta(minutes=11))]
    (alert,) = no_capacity(traffic(depths, [], {"eats": 2}), NOON, SETTINGS)
    assert (alert.kind, alert.path) == (AlertKind.NO_CAPACITY, "eats")
    assert "3 eats jobs wait, the oldest for 11 min, and none runs although 2 may" in alert.told


def test_nobody_is_told_of_a_path_that_is_paused_busy_or_quick() -> None:
    def path(*, limit: int = 2, living: int = 0, minutes: int = 11) -> Traffic:
        oldest = timedelta(minutes=minutes)
        return Traffic(path="eats", waiting=3, oldest=oldest, living=living, limit=limit)

    for calm in (path(limit=0), path(living=1), path(minutes=9)):
        assert no_capacity([calm], NOON, SETTINGS) == []


def test_what_nobody_serves_and_what_names_no_path_is_left_out() -> None:
    old = timedelta(days=1)
    depths = [Depth(path=path, waiting=1, oldest=old) for path in ("landing", None, "eats")]
    living = [Living(path="eats", phase=Phase.STARTED, count=1)]
    (found,) = traffic(depths, living, {"eats": 2, "fashion": 5})
    assert (found.path, found.living, found.limit) == ("eats", 1, 2)
