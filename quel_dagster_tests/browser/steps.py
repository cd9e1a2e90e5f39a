"""What an operator does in Dagster's UI: launches, waits for a run, changes a limit.

Which tests need it, and the browser itself, stand elsewhere.
"""

import re
from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

import sqlalchemy as sa
from playwright.sync_api import FloatRect, Page, expect

from quel_dagster.demo.front_end import FrontEnd
from quel_dagster.demo.recipes import RECIPES
from quel_dagster.demo.samples import Customers
from quel_dagster.environment import Environment
from quel_dagster.services import tables

PATIENCE = 120_000.0
"""Milliseconds that a page may take on a busy machine."""


class Photograph(Protocol):
    """Keeps a picture of the page under a name."""

    def __call__(self, name: str, clip: FloatRect | None = None) -> None: ...


def see_success(page: Page) -> None:
    """Waits on a run's page until the run has ended well."""
    page.wait_for_url(re.compile("/runs/[0-9a-f-]{36}"))
    expect(page.get_by_text("Success", exact=True).first).to_be_visible()


def follow_launch(page: Page) -> None:
    """From the note that a run was launched to its page, until it has ended well."""
    note = page.get_by_role("listitem").filter(has_text="Launched run")
    note.get_by_role("link", name="View").click()
    see_success(page)


def set_limit(
    page: Page, path: str, limit: int, before_saving: Callable[[], None] = lambda: None
) -> None:
    """On the page of a path's pool: a new limit, until the page shows it."""
    page.get_by_role("button", name="Edit limit").click()
    dialog = page.get_by_role("dialog").filter(has_text=f"Edit {path}")
    dialog.get_by_role("textbox").fill(str(limit))
    before_saving()
    dialog.get_by_role("button", name="Update limit").click()
    expect(dialog).to_have_count(0)


def choose_tag(
    page: Page, tag: str, value: str, before_choosing: Callable[[], None] = lambda: None
) -> None:
    """On the list of runs: those with a tag's value, by the filter's menu and its search field."""
    page.get_by_role("button", name="Filter").click()
    search = page.get_by_role("combobox", name="Search filters")
    choice = page.get_by_role("menuitem")
    choice.get_by_text("Tag", exact=True).click()
    search.press_sequentially(tag)
    # What was typed may be taken as it stands; below it comes what there is.
    known = choice.get_by_text(tag, exact=True)
    expect(known).to_have_count(2)
    known.last.click()
    found = choice.get_by_text(value, exact=True)
    found.hover()
    before_choosing()
    found.click()
    page.get_by_role("button", name="Filter").click()
    expect(search).to_have_count(0)


def order(front_end: FrontEnd, customers: Customers, path: str, images: int) -> UUID:
    """One order on a path, rung for."""
    recipe = next(each for each in RECIPES if each.path == path)
    return front_end.place(recipe.order(customers.person, customers.references, images))


def statuses(place: Environment, job_ids: Sequence[UUID]) -> list[str]:
    """Where the jobs stand, in their order."""
    columns = tables.job.c.job_id, tables.job.c.job_status
    with place.engine.connect() as connection:
        rows = connection.execute(sa.select(*columns).where(tables.job.c.job_id.in_(job_ids)))
        found = {row.job_id: row.job_status for row in rows}
    return [str(found[job_id]) for job_id in job_ids]
