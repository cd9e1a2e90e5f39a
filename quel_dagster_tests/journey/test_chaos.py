"""The kill matrix in short: real processes are killed, and afterwards everything is counted."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from quel_dagster.cli.chaos import chaos_command
from quel_dagster.demo.chaos.book import chaos_job
from quel_dagster.demo.chaos.counting import Wrong
from quel_dagster.demo.chaos.crew import Crew
from quel_dagster.demo.chaos.faults import BY_NAME, Fault
from quel_dagster.demo.chaos.guards import Guard
from quel_dagster.demo.chaos.matrix import Result, play
from quel_dagster.demo.chaos.points import Point
from quel_dagster.demo.chaos.scripts import place_all
from quel_dagster.demo.chaos.site import Pace, Site, open_site, write_settings
from quel_dagster.services.tables import job

PACE = Pace(render=0.2, lease=2.5, outage=1.0, redis_outage=3.0, patience=120.0, attempts=8)

Play = Callable[[Fault, int], Result]


@pytest.fixture(scope="module")
def site(open_folder: Path) -> Iterator[Site]:
    with open_site(open_folder / "chaos", PACE) as running:
        yield running


@pytest.fixture(scope="module")
def crew(site: Site) -> Iterator[Crew]:
    with Crew(site.place) as working:
        yield working


@pytest.fixture
def struck(site: Site, crew: Crew) -> Play:
    """Lets a fault happen to so many jobs of a picture or two."""

    def happen(fault: Fault, number: int) -> Result:
        return play(site, crew, replace(fault, most_images=min(2, fault.most_images)), number)

    return happen


def test_a_run_killed_at_any_point_costs_nothing_and_no_render(struck: Play) -> None:
    killed = replace(
        BY_NAME["killed-after-open"],
        name="killed-anywhere",
        points=tuple(point for point in Point if point is not Point.SETTLED),
    )
    result = struck(killed, 9)
    assert result.findings == []
    assert result.totals.strikes == 9
    assert result.executed == result.totals.pictures == 13


def test_a_job_that_kills_its_worker_each_time_fails_while_others_flow(
    site: Site, crew: Crew
) -> None:
    crew.arrange(doors=0, copies=1)
    fault = BY_NAME["killed-every-time"]
    config = write_settings(site.place.home / "three.yaml", replace(PACE, attempts=3))
    variables = {**site.place.variables, "QUEL_CONFIG": str(config)}
    with Crew(replace(site.place, variables=variables), hands=2) as impatient:
        result = play(site, impatient, replace(fault, most_images=1), 4)
    assert result.findings == []
    assert result.totals.strikes == 3
    ended = (
        sa.select(job.c.job_status, job.c.error_message)
        .join(chaos_job, chaos_job.c.job_id == job.c.job_id)
        .where(chaos_job.c.fault == fault.name)
        .order_by(job.c.completed_at)
    )
    with site.engine.connect() as connection:
        statuses, messages = zip(*connection.execute(ended), strict=True)
    assert statuses == ("completed", "completed", "completed", "failed")
    assert "attempt 3 of 3" in messages[-1]


@pytest.mark.parametrize(
    ("name", "jobs"),
    [
        ("frozen", 5),
        ("commit-cut", 4),
        ("reserved-at-once", 4),
        ("run-twice", 3),
        ("rung-five-times", 2),
        ("redis-emptied", 3),
        ("postgres-restarted", 4),
        ("comfyui-killed", 4),
        ("told-to-stop", 3),
        ("long-render", 1),
        ("cancelled", 3),
        ("redis-down", 4),
        ("every-comfyui-killed", 4),
    ],
)
def test_nothing_is_lost_or_doubled_when(name: str, jobs: int, struck: Play) -> None:
    result = struck(BY_NAME[name], jobs)
    assert result.findings == []


@pytest.mark.parametrize(
    ("guard", "name", "jobs", "shown"),
    [
        (Guard.FENCE, "frozen", 3, {Wrong.LATE_CHANGES}),
        (Guard.LEASE, "long-render", 1, {Wrong.TAKEN_OVER}),
        (Guard.LOCK, "reserved-at-once", 4, {Wrong.OVER_LIMIT}),
        (Guard.SLOT, "killed-after-commit", 1, {Wrong.DOUBLED_PICTURES, Wrong.DOUBLED_CHARGES}),
    ],
)
def test_the_counts_show_that_a_guard_is_missing(
    guard: Guard, name: str, jobs: int, shown: set[Wrong], site: Site, crew: Crew
) -> None:
    crew.arrange(doors=0, copies=1)
    fault = replace(BY_NAME[name], name=f"{name}-without-{guard}", most_images=1)
    with Crew(replace(site.place, removed=frozenset({guard})), hands=2) as unguarded:
        result = play(site, unguarded, fault, jobs)
    assert shown <= {finding.wrong for finding in result.findings}


def test_the_counts_show_that_a_cancel_was_not_heeded(struck: Play) -> None:
    unheard = replace(BY_NAME["cancelled"], name="cancelled-unheard", script=place_all)
    result = struck(unheard, 1)
    assert {finding.wrong for finding in result.findings} == {Wrong.LOST}


def test_the_command_without_a_guard_ends_red_and_shows_the_rows(tmp_path: Path) -> None:
    page = tmp_path / "chaos.md"
    command = ["--jobs", "1", "--fault", "killed-after-commit", "--remove", "slot", "--json"]
    done = CliRunner().invoke(chaos_command, [*command, "--write", str(page)])
    assert done.exit_code == 1
    answer = json.loads(done.stdout.splitlines()[-1])
    (fault,) = answer["faults"]
    assert not answer["ok"]
    assert (fault["fault"], fault["jobs"], fault["struck"]) == ("killed-after-commit", "1", "1")
    assert {found["wrong"] for found in fault["findings"]} >= {
        "doubled pictures",
        "doubled charges",
    }
    assert "| killed-after-commit | 1 | 1 |" in page.read_text(encoding="utf-8")


def test_the_command_lists_every_fault() -> None:
    done = CliRunner().invoke(chaos_command, ["--list"])
    assert done.exit_code == 0
    assert all(name in done.stdout for name in BY_NAME)
