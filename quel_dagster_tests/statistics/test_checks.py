"""The checks of the overview: when they turn red, how red, and what they tell to look at."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import dagster as dg
import pytest
import sqlalchemy as sa

from quel_dagster.model.checking import CheckSettings, FailureRateCheck
from quel_dagster.model.job import Payer
from quel_dagster.model.status import JobStatus, Phase
from quel_dagster.services.limits import Limits
from quel_dagster.services.outbox import alert
from quel_dagster.services.store import JobStore
from quel_dagster.services.tables import member
from quel_dagster_tests.builders import make_member
from quel_dagster_tests.services.store.jobs import deliver, planned
from quel_dagster_tests.statistics.history import add_attempt, add_job, found_house
from quel_dagster_tests.statistics.office import Office

MINUTE = timedelta(minutes=1)
ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN


def text(check: dg.AssetCheckEvaluation) -> str:
    assert check.description is not None
    return check.description


def end(engine: sa.Engine, number: int, failure: str | None = None, path: str = "fashion") -> None:
    """Jobs that ended some minutes ago, completed or failed of a kind."""
    now = datetime.now(UTC)
    for _ in range(number):
        job_id = add_job(
            engine,
            job_status=JobStatus.FAILED if failure else JobStatus.COMPLETED,
            created_at=now - 30 * MINUTE,
            started_at=now - 20 * MINUTE,
            completed_at=now - 10 * MINUTE,
        )
        add_attempt(engine, job_id, path, failure=failure)


def alerts(engine: sa.Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        return [(row.kind, row.told) for row in connection.execute(sa.select(alert))]


@pytest.mark.parametrize(
    ("fates", "severity"),
    [
        ({None: 20}, None),
        ({None: 19, "backend_away": 1}, None),
        ({None: 18, "backend_away": 2}, WARN),
        ({None: 5, "backend_away": 5}, ERROR),
        ({None: 4, "backend_away": 5}, None),
        ({None: 10, "invalid_job": 30, "no_credits": 5, "refused": 5}, None),
        ({None: 10, "stale": 90}, None),
    ],
    ids=[
        *("none fails", "few fail", "some fail", "half fail", "too few to tell"),
        *("customers' own", "closed by an operator"),
    ],
)
def test_too_many_failures_of_a_path_turn_the_check_red(
    engine: sa.Engine,
    office: Office,
    fates: Mapping[str | None, int],
    severity: dg.AssetCheckSeverity | None,
) -> None:
    for failure, number in fates.items():
        end(engine, number, failure)
    check = office.check("watch", "failure_rate")
    assert check.passed == (severity is None)
    if severity:
        assert check.severity is severity
        assert f"fashion: {fates['backend_away']} of" in text(check)
        assert "backend_away" in text(check)
        assert "/runs?q%5B0%5D=tag%3Aquel%2Fpath%3Dfashion&q%5B1%5D=status%3AFAILURE" in text(check)


def test_the_thresholds_come_from_the_configuration(engine: sa.Engine, office: Office) -> None:
    end(engine, 18)
    end(engine, 2, "backend_away")
    tolerant = CheckSettings(failure_rate=FailureRateCheck(warn=0.2))
    assert replace(office, checks=tolerant).check("watch", "failure_rate").passed
    short = CheckSettings(failure_rate=FailureRateCheck.model_validate({"within": "5m"}))
    assert replace(office, checks=short).check("watch", "failure_rate").passed


@pytest.mark.parametrize(("age", "severity"), [(5, None), (15, WARN), (70, ERROR)])
def test_a_job_that_waits_too_long_turns_the_check_red(
    engine: sa.Engine, office: Office, age: int, severity: dg.AssetCheckSeverity | None
) -> None:
    add_job(engine, created_at=datetime.now(UTC) - age * MINUTE)
    check = office.check("watch", "oldest_waiting")
    assert check.passed == (severity is None)
    if severity:
        assert check.severity is severity
        assert "fashion: 1 jobs wait, the oldest for" in text(check)
        assert "only 0 of 3 places are taken: look whether the sensor job_queue is on" in text(
            check
        )


def test_a_full_path_a_paused_one_and_an_unknown_one_get_advice_of_their_own(
    engine: sa.Engine, office: Office
) -> None:
    old = datetime.now(UTC) - 15 * MINUTE
    for path in ("fashion", "beauty", "sculpture", None):
        add_job(engine, created_at=old, quel_production_path=path)
    running = add_job(engine, job_status=JobStatus.PROCESSING, started_at=old)
    lease = datetime.now(UTC) + MINUTE
    add_attempt(engine, running, "fashion", phase=Phase.STARTED, leased_until=lease)
    Limits(engine).note({"fashion": 1, "beauty": 0})
    told = text(office.check("watch", "oldest_waiting"))
    assert "all 1 places are taken: raise its limit" in told
    assert "sculpture: 1 jobs wait" in told
    assert "no category serves it" in told
    assert "none: 1 jobs wait" in told
    assert "they name no path, so they run on that of the fallback" in told
    assert "beauty" not in told


def hold(engine: sa.Engine, phase: Phase, since: timedelta, lease: timedelta) -> UUID:
    now = datetime.now(UTC)
    processing = phase is not Phase.RESERVED
    job_id = add_job(
        engine,
        job_status=JobStatus.PROCESSING if processing else JobStatus.PENDING,
        created_at=now - since,
        started_at=now - since if processing else None,
    )
    times = {"leased_until": now + lease, "reserved_at": now - since}
    add_attempt(engine, job_id, "fashion", phase=phase, run_id="run-1", **times)
    return job_id


@pytest.mark.parametrize(
    ("phase", "since", "lease", "severity", "why"),
    [
        (Phase.STARTED, 60, 1, None, ""),
        (Phase.STARTED, 60, -5, None, ""),
        (Phase.STARTED, 60, -15, ERROR, "its lease is over"),
        (Phase.STARTED, 130, 1, WARN, "it runs long"),
        (Phase.WAITING, 60, 0, ERROR, "nobody holds it"),
        (Phase.RESERVED, 5, -4, None, ""),
        (Phase.RESERVED, 15, -14, ERROR, "its run has not come"),
    ],
)
def test_a_job_that_is_not_getting_on_turns_the_check_red(
    engine: sa.Engine,
    office: Office,
    phase: Phase,
    since: int,
    lease: int,
    severity: dg.AssetCheckSeverity | None,
    why: str,
) -> None:
    job_id = hold(engine, phase, since * MINUTE, lease * MINUTE)
    check = office.check("watch", "stuck_jobs")
    assert check.passed == (severity is None)
    if severity:
        assert check.severity is severity
        details = str(check.metadata["details"].value)
        assert str(job_id) in details
        assert why in details
        assert "(/runs/run-1)" in details


def test_a_job_of_another_system_that_died_is_stuck(engine: sa.Engine, office: Office) -> None:
    old = datetime.now(UTC) - 15 * MINUTE
    add_job(engine, job_status=JobStatus.PROCESSING, started_at=old)
    check = office.check("watch", "stuck_jobs")
    assert "1 jobs are in progress and nobody holds them; look whether the sensor sweep" in text(
        check
    )


def test_credits_that_vanish_turn_the_check_red(engine: sa.Engine, office: Office) -> None:
    found_house(engine, timedelta(hours=1))
    store = JobStore(engine, lease=MINUTE, price=20)
    payer = Payer(member_id=make_member(engine))
    deliver(store, planned(store, engine, payer=payer), 0)
    good = office.check("reconcile_credits", "credits_reconcile")
    assert good.passed
    assert text(good) == "1 pictures and the credits of 1 payers add up."
    with engine.begin() as tx:
        less = {member.c.quel_member_credit: member.c.quel_member_credit - 7}
        tx.execute(sa.update(member).values(less))
    bad = office.check("reconcile_credits", "credits_reconcile")
    assert not bad.passed
    assert bad.severity is ERROR
    assert "1 of credits_vanished: look at deleted ledger rows" in text(bad)
    assert str(payer.member_id) in str(bad.metadata["details"].value)


def test_a_red_check_is_an_alert_once_an_hour(engine: sa.Engine, office: Office) -> None:
    office.run("watch")
    assert alerts(engine) == []
    add_job(engine, created_at=datetime.now(UTC) - 15 * MINUTE)
    told = {text(office.check("watch", "oldest_waiting")) for _ in range(3)}
    noted = alerts(engine)
    assert {kind for kind, _ in noted} == {"check_failed"}
    assert len(noted) in {1, 2}, "two where the hour changed meanwhile"
    assert all(line.removeprefix("check oldest_waiting: ") in told for _, line in noted)


def test_the_checks_come_by_themselves(office: Office) -> None:
    for name, cron in {
        "watch": "*/5 * * * *",
        "reconcile_credits": "20 * * * *",
        "refresh_overview": "2-59/15 * * * *",
    }.items():
        schedule = office.definitions.resolve_schedule_def(f"{name}_schedule")
        assert schedule.cron_schedule == cron
        assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING


def minutes(office: Office, schedule: str) -> set[int]:
    """The minutes of an hour at which it ticks, of `*/5` or `2-59/15`."""
    cron = office.definitions.resolve_schedule_def(schedule).cron_schedule
    span, step = str(cron).split()[0].split("/")
    first, last = (0, 59) if span == "*" else map(int, span.split("-"))
    return set(range(first, last + 1, int(step)))


def test_no_two_jobs_begin_the_same_check_at_once(office: Office) -> None:
    """Of two that do, Dagster shows the one that it planned last, whichever page it judged."""
    watched, drawn = (minutes(office, f"{name}_schedule") for name in ("watch", "refresh_overview"))
    assert (len(watched), len(drawn)) == (12, 4)
    assert not watched & drawn
