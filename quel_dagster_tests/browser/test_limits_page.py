"""Limits as an operator turns them in a real browser: more at once, none at all, and back."""

import time
from collections.abc import Callable

from playwright.sync_api import FloatRect, Page, expect

from quel_dagster.demo.front_end import FrontEnd
from quel_dagster.demo.samples import Customers
from quel_dagster.demo.stack import Stack
from quel_dagster.environment import Environment
from quel_dagster.services.limits import Limits
from quel_dagster_tests.browser.steps import Photograph, order, set_limit, statuses
from quel_dagster_tests.outcomes.workshop import wait_until

IN_FORCE = 10.0
"""Seconds within which a change must hold."""
TOP: FloatRect = {"x": 0, "y": 0, "width": 1400, "height": 480}


def see_in_force(place: Environment, path: str, limit: int) -> None:
    """Waits until jobs are let in by the limit that has just been set."""
    since = time.monotonic()
    wait_until(lambda: Limits(place.engine).read()[path] == limit, f"{path} is let in by {limit}")
    assert time.monotonic() - since < IN_FORCE


def test_a_limit_that_is_raised_lets_in_more_at_once(
    stack: Stack,
    page: Page,
    place: Environment,
    customers: Customers,
    front_end: FrontEnd,
    renders_take: Callable[[float | None], None],
    photograph: Photograph,
) -> None:
    """An order on another path, rung for later and begun, shows that the door was open."""
    page.goto(f"{stack.ui_url}/deployment/concurrency")
    page.get_by_role("link", name="cinema").click()
    set_limit(page, "cinema", 1)
    see_in_force(place, "cinema", 1)
    renders_take(6)
    jobs = [order(front_end, customers, "cinema", 16) for _ in range(2)]
    other = order(front_end, customers, "cartoon", 1)
    wait_until(lambda: "processing" in statuses(place, jobs), "one runs")
    wait_until(lambda: statuses(place, [other]) != ["pending"], "the door is open")
    assert sorted(statuses(place, jobs)) == ["pending", "processing"]

    set_limit(page, "cinema", 2, lambda: photograph("limit-edit", TOP))
    see_in_force(place, "cinema", 2)
    wait_until(lambda: statuses(place, jobs) == ["processing"] * 2, "both run")

    renders_take(None)
    set_limit(page, "cinema", 3)
    wait_until(lambda: statuses(place, jobs) == ["completed"] * 2, "both are served")
    wait_until(lambda: statuses(place, [other]) == ["completed"], "the other one too")


def test_a_paused_path_starts_nothing_loses_nothing_and_goes_on(
    stack: Stack,
    page: Page,
    place: Environment,
    customers: Customers,
    front_end: FrontEnd,
    photograph: Photograph,
) -> None:
    """An order on another path, rung for later and served, shows that the door was open."""
    pool = f"{stack.ui_url}/deployment/concurrency/eats"
    page.goto(pool)
    set_limit(page, "eats", 0)
    see_in_force(place, "eats", 0)
    paused = order(front_end, customers, "eats", 1)
    other = order(front_end, customers, "cartoon", 1)
    wait_until(lambda: statuses(place, [other]) == ["completed"], "the other path is served")
    assert statuses(place, [paused]) == ["pending"]
    page.goto(f"{stack.ui_url}/deployment/concurrency")
    expect(page.get_by_role("link", name="modify")).to_be_visible()
    expect(page.get_by_text("Loading")).to_have_count(0)
    photograph("path-paused", {"x": 0, "y": 0, "width": 1400, "height": 600})

    page.goto(pool)
    set_limit(page, "eats", 3)
    see_in_force(place, "eats", 3)
    wait_until(lambda: statuses(place, [paused]) == ["completed"], "it is served")
