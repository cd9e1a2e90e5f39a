"""What an operator sees of the paths in a real browser: one path's hours, and the overview."""

import re
from collections.abc import Callable
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from quel_dagster.demo.front_end import FrontEnd
from quel_dagster.demo.samples import Customers
from quel_dagster.demo.stack import Stack
from quel_dagster.environment import Environment
from quel_dagster.services.path_hours import HOUR, PathHours
from quel_dagster_tests.browser.past import AN_HOUR, HOURS, count_overdue, live_a_day
from quel_dagster_tests.browser.steps import Photograph, follow_launch, order, statuses
from quel_dagster_tests.outcomes.workshop import wait_until
from quel_dagster_tests.statistics.history import this_hour

LOADED = "image => image.naturalWidth > 900"
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture(scope="module")
def a_day(place: Environment) -> None:
    """A day that lies behind the stack."""
    live_a_day(place.engine)


@pytest.mark.usefixtures("a_day")
def test_the_hours_of_a_path_are_counted_on_demand_and_drawn(
    stack: Stack, page: Page, place: Environment, photograph: Photograph
) -> None:
    """The last hour is asked for; those before it, which nobody counted, come with it."""
    asset = f"{stack.ui_url}/assets/path_statistics/fashion"
    page.goto(asset)
    page.get_by_role("button", name="Materialize…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Latest").click()
    dialog.get_by_role("button", name="Launch 1 run").click()
    follow_launch(page)

    page.goto(asset)
    page.get_by_role("button", name="Plots").click()
    expect(page.locator("canvas").nth(1)).to_be_visible()
    photograph("path-statistics")
    counted = PathHours(place.engine).since(this_hour() - HOURS * HOUR)
    assert {each.hour for each in counted if each.path == "fashion" and each.completed} == {
        this_hour() - n * HOUR for n in range(1, HOURS + 1)
    }


@pytest.mark.usefixtures("a_day")
def test_the_overview_is_drawn_on_demand_and_shows_its_plots_in_both_themes(
    stack: Stack,
    page: Page,
    place: Environment,
    customers: Customers,
    front_end: FrontEnd,
    renders_take: Callable[[float | None], None],
    photograph: Photograph,
) -> None:
    count_overdue(place.engine, list(AN_HOUR))
    renders_take(8)
    wanted = {"fashion": 9, "cinema": 2}
    jobs = [order(front_end, customers, path, 2) for path, n in wanted.items() for _ in range(n)]
    wait_until(lambda: "processing" in statuses(place, jobs), "the first one runs")
    asset = f"{stack.ui_url}/assets/path_overview"
    page.set_viewport_size({"width": 1500, "height": 1300})
    page.goto(asset)
    page.get_by_role("button", name="Materialize").first.click()
    follow_launch(page)
    renders_take(None)

    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        page.goto(asset)
        page.get_by_text("Show Markdown").first.click()
        expect(page.get_by_role("heading", name="Last 24 hours")).to_be_visible()
        plots = page.get_by_role("img", name=re.compile("^How"))
        expect(plots).to_have_count(3)
        for n in range(3):
            expect(plots.nth(n)).to_have_js_property("complete", value=True)
            assert plots.nth(n).evaluate(LOADED)
        name = "overview" if theme == "light" else f"overview-{theme}"
        page.get_by_role("heading", name=re.compile("^Now")).evaluate("it => it.scrollIntoView()")
        box = page.get_by_role("dialog").bounding_box()
        assert box
        photograph(name, {"x": box["x"], "y": 0, "width": box["width"], "height": 1200})
    page.get_by_role("link", name="beauty", exact=True).first.click()
    expect(page.get_by_text("quel/path=beauty").first).to_be_visible()
    wait_until(lambda: set(statuses(place, jobs)) == {"completed"}, "every order is served")
