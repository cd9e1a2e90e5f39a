"""What `quel up` and `quel demo` print: each thing on a line of its own, and what is missing."""

from collections.abc import Mapping
from io import StringIO
from typing import cast

import pytest
import sqlalchemy as sa
from rich.console import Console

from quel_dagster.cli.stack import servers, watch
from quel_dagster.demo.parts import reserved_port
from quel_dagster.demo.report import Counts, shortfall
from quel_dagster.demo.samples import BALANCE, resident
from quel_dagster.demo.stack import Stack
from quel_dagster.environment import Environment
from quel_dagster.services.database import connect
from quel_dagster.services.tables import member
from quel_dagster_tests.house import House

CURSOR = "\x1b[?25h"
"""Shows a terminal's cursor again."""


class Still:
    """A stack in which nothing happens."""

    def wait(self, timeout: float | None = None) -> None: ...


WHOLE = Counts(orders=2, completed=2, ordered_images=3, images=3, credits_charged=60)


@pytest.mark.parametrize("is_terminal", [False, True])
def test_the_last_table_leaves_the_next_line_to_others(database: str, is_terminal: bool) -> None:
    engine = connect(database)
    console = Console(file=StringIO(), force_terminal=is_terminal, width=80)
    watch(cast("Stack", Still()), engine, [], console, None)
    console.print("the next line")
    engine.dispose()
    assert isinstance(console.file, StringIO)
    printed = console.file.getvalue().replace(CURSOR, "")
    before, after = printed.split("the next line")
    assert before.endswith("\n")
    assert not before.endswith("\n\n")
    assert after == "\n"


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (WHOLE, None),
        (
            Counts(orders=3, waiting=1, running=1, completed=1, ordered_images=5, images=1),
            "1 orders still wait and 1 run",
        ),
        (
            Counts(orders=2, completed=1, failed=1, ordered_images=3, images=1, credits_charged=20),
            "1 of 3 pictures were delivered, 20 credits charged",
        ),
        (
            Counts(orders=2, completed=2, ordered_images=3, images=3, credits_charged=80),
            "3 of 3 pictures were delivered, 80 credits charged",
        ),
    ],
)
def test_what_is_missing_of_the_orders_is_told(counts: Counts, words: str | None) -> None:
    assert shortfall(counts, 20) == words


def test_there_is_a_customer_to_order_as_and_only_one_is_made(house: House) -> None:
    engine = house.environment.engine
    first = resident(engine)
    assert resident(engine) == first
    with engine.connect() as connection:
        rows = connection.execute(sa.select(member)).all()
    assert [(row.quel_member_id, row.quel_member_credit) for row in rows] == [(first, BALANCE)]


def test_a_server_that_does_not_answer_is_shown_as_such(variables: Mapping[str, str]) -> None:
    with reserved_port() as port:
        gone = f"http://127.0.0.1:{port}"
        place = Environment({**variables, "COMFYUI_URLS": f"{variables['COMFYUI_URLS']},{gone}"})
        assert list(servers(place)) == [variables["COMFYUI_URLS"], f"{gone} (does not answer)"]
        place.close()
