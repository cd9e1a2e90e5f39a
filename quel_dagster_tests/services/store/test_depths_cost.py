"""What a look at the depths costs the database, whatever the backlog."""

import json

import sqlalchemy as sa

from quel_dagster.services.depths import Depths
from quel_dagster.services.statements import load
from quel_dagster_tests.services.store.test_look_cost import GIVEN, Node, fill, nodes, rows_read


def explain(engine: sa.Engine, most: int) -> Node:
    """The plan of a look as it was executed, with fresh statistics."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE"))
        analyze = sa.text(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {load('depths').text}")
        (answer,) = connection.execute(analyze, {"most": most}).one()
    plans = json.loads(answer) if isinstance(answer, str) else answer
    return plans[0]["Plan"]


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


def test_paths_are_counted_apart_and_those_without_one_too(engine: sa.Engine) -> None:
    fill(engine, "pending", 70)
    found = {depth.path: depth.waiting for depth in Depths(engine).waiting()}
    paths = ["fashion", "beauty", "eats", "cinema", "cartoon", "Fashion", None]
    assert found == dict.fromkeys(paths, 10)
