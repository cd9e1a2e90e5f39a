"""The backfill as an operator launches it in a real browser: first dry, then for real."""

from playwright.sync_api import Page, expect

from quel_dagster.demo.stack import Stack
from quel_dagster.environment import Environment
from quel_dagster_tests.browser.steps import Photograph, see_success
from quel_dagster_tests.maintenance.old_rows import JOBS, PHOTOS, fill, number, without_path

LAUNCHPAD = "locations/quel_dagster/jobs/backfill_production_path/playground"
ROWS, PRODUCTIONS = 3000, 300


def fashion(place: Environment, table: str) -> int:
    """How many rows of a table have the path fashion."""
    query = f"SELECT count(*) FROM {table} WHERE quel_production_path = 'fashion'"
    return number(place.engine, query)


def test_the_backfill_is_launched_from_the_launchpad_first_dry_then_for_real(
    stack: Stack, page: Page, place: Environment, photograph: Photograph
) -> None:
    fill(place.engine, ROWS, PRODUCTIONS)
    before = fashion(place, JOBS), fashion(place, PHOTOS)
    missing = without_path(place.engine), without_path(place.engine, PHOTOS)

    page.goto(f"{stack.ui_url}/{LAUNCHPAD}")
    wish = page.locator(".CodeMirror-line").filter(has_text="dry_run: true")
    expect(wish).to_be_visible()
    page.get_by_role("button", name="Launch Run").click()
    see_success(page)
    expect(page.get_by_text("dry run: nothing was changed").first).to_be_visible()
    assert (without_path(place.engine), without_path(place.engine, PHOTOS)) == missing

    page.goto(f"{stack.ui_url}/{LAUNCHPAD}")
    wish.get_by_text("true").dblclick()
    page.keyboard.type("false")
    expect(page.get_by_text("dry_run: false")).to_be_visible()
    expect(page.get_by_text("No errors")).to_be_visible()
    launch = page.get_by_role("button", name="Launch Run")
    expect(launch).to_be_enabled()
    photograph("backfill-launchpad")
    launch.click()
    see_success(page)
    expect(page.get_by_text(f"{JOBS}: {missing[0]} rows done, 0 left").first).to_be_visible()
    expect(page.get_by_text("rows_per_second").last).to_be_visible()
    photograph("backfill-run")

    assert without_path(place.engine) == without_path(place.engine, PHOTOS) == 0
    assert fashion(place, JOBS) == before[0] + missing[0]
    assert fashion(place, PHOTOS) == before[1] + missing[1]
