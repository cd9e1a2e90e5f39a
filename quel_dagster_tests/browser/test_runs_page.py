"""What an operator sees of the runs in a real browser: those of a path, a job, its pictures."""

import re

import pytest
import sqlalchemy as sa
from playwright.sync_api import FloatRect, Page, expect

from quel_dagster.demo.front_end import FrontEnd
from quel_dagster.demo.report import count, runs_url, total
from quel_dagster.demo.samples import Customers, orders
from quel_dagster.demo.stack import Stack
from quel_dagster.environment import Environment
from quel_dagster.services.tables import attempt
from quel_dagster_tests.browser.steps import Photograph, choose_tag, order
from quel_dagster_tests.outcomes.workshop import wait_until

MENU: FloatRect = {"x": 0, "y": 0, "width": 1400, "height": 480}
LOADED = "image => image.naturalWidth > 50"


@pytest.fixture(scope="module")
def served(place: Environment, customers: Customers, front_end: FrontEnd) -> str:
    """Orders on every path until they are final; the run of one of them with four pictures."""
    job_ids = [front_end.place(each) for each in orders(customers, 6)]
    job_ids.append(order(front_end, customers, "fashion", 4))
    wait_until(lambda: total(count(place.engine, job_ids)).is_final, "the orders are final")
    with place.engine.connect() as connection:
        mine = sa.select(attempt.c.run_id).where(attempt.c.job_id == job_ids[-1])
        return connection.execute(mine).scalar_one()


@pytest.mark.usefixtures("served")
def test_the_run_list_is_filtered_by_the_tag_of_a_path(
    stack: Stack, page: Page, photograph: Photograph
) -> None:
    page.goto(runs_url(stack.ui_url, "beauty"))

    expect(page.get_by_text("quel/path: beauty").first).to_be_visible()
    expect(page.get_by_text("quel/path: eats")).to_have_count(0)
    expect(page.get_by_text("Success").first).to_be_visible()
    photograph("runs")


@pytest.mark.usefixtures("served")
def test_the_run_list_is_filtered_by_hand(
    stack: Stack, page: Page, place: Environment, photograph: Photograph
) -> None:
    with place.engine.connect() as connection:
        of_path = sa.select(attempt.c.run_id).where(attempt.c.path == "eats")
        runs = [run_id for run_id in connection.scalars(of_path) if run_id]
    page.goto(stack.ui_url)
    page.get_by_role("link").get_by_text("Runs", exact=True).click()
    expect(page.get_by_text("quel/path: beauty").first).to_be_visible()

    choose_tag(page, "quel/path", "eats", lambda: photograph("runs-filter", MENU))
    for run_id in runs:
        expect(page.get_by_role("link", name=run_id[:8])).to_be_visible()
    expect(page.get_by_text("quel/path: eats", exact=True)).to_have_count(len(runs))
    expect(page.get_by_text(re.compile("^quel/path: "))).to_have_count(len(runs))
    expect(page.get_by_text("quel/path=eats")).to_be_visible()


@pytest.mark.usefixtures("served")
def test_a_job_says_what_it_is_for(stack: Stack, page: Page) -> None:
    page.goto(f"{stack.ui_url}/locations/quel_dagster/jobs/fashion")

    expect(page.get_by_text("fashion_specs").first).to_be_visible()
    expect(page.get_by_text("settle_job").first).to_be_visible()


def test_a_run_shows_its_pictures(
    stack: Stack, page: Page, served: str, photograph: Photograph
) -> None:
    page.goto(f"{stack.ui_url}/runs/{served}?logs=step%3Aproduce")
    page.get_by_text("Show Markdown").first.click()
    pictures = page.get_by_role("dialog").locator("img")
    expect(pictures.nth(3)).to_be_visible()
    for n in range(4):
        expect(pictures.nth(n)).to_have_js_property("complete", value=True)
        assert pictures.nth(n).evaluate(LOADED)
    photograph("pictures")
