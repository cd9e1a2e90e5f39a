"""A real browser on the whole stack, and what every test with it shares.

What operators do on the pages stands in `steps`.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import FloatRect, Page, expect, sync_playwright

from quel_dagster.demo.front_end import FrontEnd
from quel_dagster.demo.samples import Customers, move_in
from quel_dagster.demo.stack import Stack
from quel_dagster.environment import Environment
from quel_dagster_tests.browser.steps import PATIENCE, Photograph

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
IMAGES = Path(__file__).parents[2] / "docs" / "images"
COLOURS = 128
"""A page of the UI has no more, and a picture takes a third of the bytes."""


@pytest.fixture(scope="session", autouse=True)
def chromium() -> str:
    """Where the browser is; found before the stack is started."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None and "CI" not in os.environ:
        pytest.skip("no chromium on this machine")
    assert found, "CI must install chromium"
    return found


@pytest.fixture
def page(chromium: str) -> Iterator[Page]:
    """An empty page of a fresh browser, which waits patiently for whatever is asked of it."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(PATIENCE)
        yield page
        browser.close()


@pytest.fixture
def photograph(page: Page, tmp_path: Path, pytestconfig: pytest.Config) -> Photograph:
    """Keeps a picture of the page for whoever wants to look; `--regold` puts it into the docs."""

    def take(name: str, clip: FloatRect | None = None) -> None:
        shot = page.screenshot(path=tmp_path / f"{name}.png", animations="disabled", clip=clip)
        if pytestconfig.getoption("--regold"):
            picture = Image.open(BytesIO(shot)).convert("RGB")
            few = picture.quantize(COLOURS, dither=Image.Dither.NONE)
            few.save(IMAGES / f"{name}.png", optimize=True)

    return take


@pytest.fixture(scope="module")
def place(stack: Stack) -> Iterator[Environment]:
    """The stack's own database, queue and bucket."""
    environment = Environment(stack.environ)
    yield environment
    environment.close()


@pytest.fixture(scope="module")
def customers(place: Environment) -> Customers:
    """Who orders."""
    return move_in(place.engine, place.storage)


@pytest.fixture(scope="module")
def front_end(place: Environment) -> FrontEnd:
    """Where they order."""
    return FrontEnd(place.engine, place.queue)


@pytest.fixture
def renders_take(stack: Stack) -> Iterator[Callable[[float | None], None]]:
    """Says how many seconds every render takes that begins from now on; None is as usual."""

    def take(seconds: float | None) -> None:
        for url in stack.comfyui:
            faults = {"render_seconds": seconds}
            httpx.post(f"{url}/stand-in/faults", json=faults, trust_env=False).raise_for_status()

    yield take
    take(None)
