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
from quel_dagster.model.settings import WorkerSettings
from quel_dagster.model.status import Phase
from quel_dagster.services.counters import Count, Counter
from quel_dagster.services.depths import Depth, Living

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
WORKER = WorkerSettings()
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
    assert snapshot(NOON, counts, ()) == at(0, eats=(10, 2))


def test_failures_that_are_not_ours_do_not_count() -> None:
    counts = [
        Count(name=Counter.COMPLETED, path="eats", kind="all", n=3),
        Count(name=Counter.FAILED, path="eats", kind="backend_away", n=1),
        Count(name=Counter.FAILED, path="eats", kind="invalid_job", n=90),
        Count(name=Counter.FAILED, path="none", kind="refused", n=90),
    ]
    assert snapshot(NOON, counts, {"invalid_job", "refused"}) == at(0, eats=(4, 1))


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
    (alert,) = no_capacity(traffic(depths, [], {"eats": 2}, WORKER), NOON, SETTINGS)
    assert (alert.kind, alert.path) == (AlertKind.NO_CAPACITY, "eats")
    assert "3 eats jobs wait, the oldest for 11 min, and none runs although 2 may" in alert.told


def test_nobody_is_told_of_a_path_that_is_paused_busy_or_quick() -> None:
    def path(*, limit: int = 2, living: int = 0, minutes: int = 11) -> Traffic:
        oldest = timedelta(minutes=minutes)
        return Traffic(path="eats", waiting=3, oldest=oldest, living=living, limit=limit)

    for calm in (path(limit=0), path(living=1), path(minutes=9)):
        assert no_capacity([calm], NOON, SETTINGS) == []


def test_what_another_system_serves_and_what_waits_on_a_closed_path_is_left_out() -> None:
    old = timedelta(days=1)
    depths = [Depth(path=path, waiting=1, oldest=old) for path in ("landing", "beauty", "eats")]
    living = [Living(path="eats", phase=Phase.STARTED, count=1)]
    closed = WorkerSettings.model_validate({"modules": {"beauty": {"enabled": False}}})
    (found,) = traffic(depths, living, {"eats": 2, "beauty": 3, "fashion": 5}, closed)
    assert (found.path, found.living, found.limit) == ("eats", 1, 2)


def test_what_the_fallback_serves_waits_on_its_path() -> None:
    minutes = {"fashion": 1, " Fashion": 2, "sculpture": 30, None: 20}
    depths = [
        Depth(path=path, waiting=1, oldest=timedelta(minutes=age)) for path, age in minutes.items()
    ]
    limits = {"fashion": 5, "modify": 3}
    (all_of_them,) = traffic(depths, [], limits, WORKER)
    assert (all_of_them.path, all_of_them.waiting) == ("fashion", 4)
    assert all_of_them.oldest == timedelta(minutes=30)

    strict = {"fallback": {"unknown_path_behavior": "reject"}}
    (without_unknown,) = traffic(depths, [], limits, WorkerSettings.model_validate(strict))
    assert (without_unknown.waiting, without_unknown.oldest) == (3, timedelta(minutes=20))


def test_rows_without_a_path_may_be_another_systems_where_nobody_retouches() -> None:
    depths = [Depth(path=None, waiting=9, oldest=timedelta(hours=1))]
    closed = WorkerSettings.model_validate({"modules": {"modify": {"enabled": False}}})
    limits = {"fashion": 5, "modify": 3}
    assert traffic(depths, [], limits, closed) == traffic(depths, [], {"fashion": 5}, WORKER) == []
