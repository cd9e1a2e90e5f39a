"""The page that operators look at, and what it says about the paths."""

import base64
import io
import re
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from PIL import Image

from quel_dagster.model.status import JobStatus, Phase
from quel_dagster.services.limits import Limits
from quel_dagster.services.path_hours import HOUR, PathHour, PathHours
from quel_dagster.statistics.page import number, page, path_cell, period, span, table
from quel_dagster.statistics.plots import outcomes, spans
from quel_dagster.statistics.present import Standing
from quel_dagster_tests.statistics.history import (
    PATHS,
    add_attempt,
    add_job,
    live_through,
    this_hour,
)
from quel_dagster_tests.statistics.office import Office

JOB = "refresh_overview"
MINUTE = timedelta(minutes=1)


def text_of(office: Office) -> str:
    office.run(JOB)
    return str(office.overview()["overview"].value)


def row(text: str, path: str, section: str = "## Now") -> list[str]:
    """The cells of a path's line in the table of a section, without its name."""
    [line] = [
        line
        for line in text[text.index(section) :].split("\n## ", maxsplit=1)[0].splitlines()
        if line.startswith(f"| [{path}](")
    ]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_the_page_says_how_each_path_stands(engine: sa.Engine, office: Office) -> None:
    now = datetime.now(UTC)
    for age in (2, 5, 12):
        add_job(engine, created_at=now - age * MINUTE, quel_production_path=" Fashion")
    running = add_job(engine, job_status=JobStatus.PROCESSING, created_at=now - 2 * HOUR)
    lease = now + HOUR
    add_attempt(engine, running, "fashion", phase=Phase.STARTED, leased_until=lease)
    ended = {"job_status": JobStatus.COMPLETED, "created_at": now - 90 * MINUTE}
    for _ in range(6):
        add_job(engine, **ended, started_at=now - 80 * MINUTE, completed_at=now - 10 * MINUTE)
    add_job(engine, created_at=now - MINUTE, quel_production_path=None)
    add_job(engine, created_at=now - MINUTE, quel_production_path="multiview")
    Limits(engine).note({"fashion": 5, "modify": 0})

    text = text_of(office)

    assert row(text, "fashion") == ["3", "12 min", "1 of 5", "3", "6", "1 h"]
    assert row(text, "beauty") == ["·", "·", "0 of 3", "·", "·", "·"]
    assert row(text, "modify") == ["·", "·", "0, paused", "·", "·", "·"]
    assert row(text, "none") == ["1", "1 min", "·", "1", "·", "**grows**"]
    assert "multiview" not in text.split("\n## ")[0]
    assert "4 jobs wait, 1 are let in or run. **The backlog of none grows.**" in text
    assert office.overview()["waiting"].value == 4
    oldest = office.overview()["oldest_waiting_seconds"].value
    assert isinstance(oldest, float)
    assert 720 <= oldest < 780


def test_the_page_sums_up_the_last_hours_and_the_running_one(
    engine: sa.Engine, office: Office, path_hours: PathHours
) -> None:
    begin = this_hour() - 30 * HOUR
    live_through(engine, 60, begin)
    live_through(engine, 60, this_hour() - 3 * HOUR, seed=8)
    for hour in path_hours.overdue(100):
        path_hours.refresh(hour, PATHS)
    text = text_of(office)
    until = path_hours.now()
    for section, age in (("## Last 24 hours", 24), ("## Last 7 days", 168)):
        counted = path_hours.measure(this_hour() - age * HOUR, until)
        for each in counted:
            if each.path in PATHS:
                cells = row(text, each.path, section)
                assert cells[0] == number(each.arrived)
                assert cells[1] == number(each.completed)
                assert re.findall(r"\d+|·", cells[3])[0] == number(each.failed)
                assert cells[6:9] == list(
                    map(number, (each.pictures, each.failed_pictures, each.credits))
                )


def test_a_path_leads_to_its_runs_and_to_those_that_failed() -> None:
    hour = PathHour(path="eats", hour=this_hour(), failed=2, failed_by_kind={"backend_away": 2})
    text = page(this_hour(), [Standing(path="eats")], [period("Last", {"eats": [hour]}, {})])
    assert "[eats](/runs?q%5B0%5D=tag%3Aquel%2Fpath%3Deats)" in text
    failed = "[2](/runs?q%5B0%5D=tag%3Aquel%2Fpath%3Deats&q%5B1%5D=status%3AFAILURE)"
    assert row(text, "eats", "## Last")[3] == failed
    assert "backend_away 2" in text


def test_a_path_that_a_row_spelled_with_signs_breaks_no_table() -> None:
    (_, _, line) = table(("path", "waiting"), [(path_cell("a|b_c](x)`"), "1")]).splitlines()
    assert line.startswith(r"| [a\|b\_c\](x)\`](/runs?")
    assert line.endswith(") | 1 |")


def test_the_plots_are_small_and_have_no_ground_of_their_own(
    engine: sa.Engine, office: Office, path_hours: PathHours
) -> None:
    live_through(engine, 100, this_hour() - 5 * HOUR)
    for hour in path_hours.overdue(100):
        path_hours.refresh(hour, PATHS)
    text = text_of(office)
    drawn = re.findall(r"!\[[^]]*\]\(data:image/png;base64,([^)]*)\)", text)
    assert len(drawn) == 3
    for each in drawn:
        png = base64.b64decode(each)
        with Image.open(io.BytesIO(png)) as image:
            assert image.width > 900
            assert image.convert("RGBA").getchannel("A").getpixel((2, 2)) == 0
        assert len(png) < 60_000
    assert len(text) < 150_000


def test_a_new_page_has_its_own_checks_at_once(office: Office) -> None:
    office.run("watch")
    drawn = office.run(JOB)
    checks = {each.check_name: each for each in drawn.get_asset_check_evaluations()}
    assert set(checks) == {"credits_reconcile", "failure_rate", "oldest_waiting", "stuck_jobs"}
    pages = {
        each.target_materialization_data.run_id if each.target_materialization_data else None
        for each in checks.values()
    }
    assert pages == {drawn.run_id}


def test_a_plot_shows_what_it_is_given() -> None:
    begin = this_hour() - 24 * HOUR
    quiet = {"fashion": [PathHour(path="fashion", hour=begin)]}
    busy = {"fashion": [PathHour(path="fashion", hour=begin, completed=9, wait_p95=300.0)]}
    for draw in (outcomes, spans):
        assert draw(quiet, begin, this_hour()) != draw(busy, begin, this_hour())
        assert draw(busy, begin, this_hour()) == draw(busy, begin, this_hour())


def test_a_span_is_told_in_two_units_at_most() -> None:
    told = {
        timedelta(seconds=45): "45 s",
        timedelta(minutes=12, seconds=40): "12 min",
        timedelta(hours=3, minutes=20): "3 h 20 min",
        timedelta(hours=1): "1 h",
        timedelta(days=2, hours=5, minutes=50): "2 d 5 h",
    }
    assert {length: span(length) for length in told} == told
