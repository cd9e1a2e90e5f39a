"""What an operator sees: the run list filtered by a path's tag, in a real browser."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from quel_dagster.demo.front_end import FrontEnd
from quel_dagster.demo.report import count, runs_url, total
from quel_dagster.demo.samples import move_in, orders
from quel_dagster.demo.stack import Stack
from quel_dagster.environment import Environment

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 150.0

pytestmark = pytest.mark.skipif(
    CHROMIUM is None and "CI" not in os.environ, reason="no chromium on this machine"
)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    assert CHROMIUM, "CI must install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser.new_page(viewport={"width": 1400, "height": 900})
        browser.close()


@pytest.fixture(scope="module")
def served(stack: Stack) -> None:
    """Five orders, one on each path, until they are final."""
    environment = Environment(stack.environ)
    front_end = FrontEnd(environment.engine, environment.queue)
    customers = move_in(environment.engine, environment.storage)
    job_ids = [front_end.place(order) for order in orders(customers, 5)]
    deadline = time.monotonic() + PATIENCE
    while not total(count(environment.engine, job_ids)).is_final:
        assert time.monotonic() < deadline, "the orders are not final"
        time.sleep(0.5)
    environment.close()


@pytest.mark.usefixtures("served")
def test_the_run_list_shows_the_runs_of_a_path(stack: Stack, page: Page) -> None:
    page.goto(runs_url(stack.ui_url, "beauty"))

    expect(page.get_by_text("quel/path: beauty").first).to_be_visible(timeout=30_000)
    expect(page.get_by_text("quel/path: eats")).to_have_count(0)
    expect(page.get_by_text("Success").first).to_be_visible()


@pytest.mark.usefixtures("served")
def test_a_job_says_what_it_is_for(stack: Stack, page: Page) -> None:
    page.goto(f"{stack.ui_url}/locations/quel_dagster/jobs/fashion")

    expect(page.get_by_text("fashion_specs").first).to_be_visible(timeout=30_000)
    expect(page.get_by_text("settle_job").first).to_be_visible()
