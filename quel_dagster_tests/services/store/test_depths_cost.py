"""What a look at the depths costs the database, whatever the backlog."""

import sqlalchemy as sa

from quel_dagster.services.depths import Depths
from quel_dagster_tests.services.store.test_look_cost import (
    GIVEN,
    Node,
    explained,
    fill,
    nodes,
    rows_read,
)


def explain(engine: sa.Engine, most: int) -> Node:
    return explained(engine, "depths", {"most": most})


def test_a_look_reads_the_pending_index_only_and_no_more_of_it_than_it_counts(
    engine: sa.Engine,
) -> None:
    fill(engine, "completed", 20_000)
    fill(engine, "pending", 7_000)
    before = explain(engine, 100)
    fill(engine, "pending", 21_000)
    after = explain(engine, 100)
    plan = list(nodes(after))
    scanned = {node["Relation Name"] for node in plan if node["Node Type"] == "Seq Scan"}
    assert scanned <= {"cut_off"}
    assert {str(node["Index Name"]) for node in plan if "Index Name" in node} == {
        f"{GIVEN}_pending"
    }
    assert 0 < rows_read(after) <= 1.1 * rows_read(before)


def test_a_long_backlog_is_not_read_where_nothing_else_is_in_the_table(engine: sa.Engine) -> None:
    fill(engine, "pending", 20_000)
    assert rows_read(explain(engine, 100)) < 7 * 101 + 10


def test_paths_are_counted_apart_and_those_without_one_too(engine: sa.Engine) -> None:
    fill(engine, "pending", 70)
    found = {depth.path: depth.waiting for depth in Depths(engine).waiting()}
    paths = ["fashion", "beauty", "eats", "cinema", "cartoon", "Fashion", None]
    assert found == dict.fromkeys(paths, 10)
