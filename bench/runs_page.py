"""The Runs page of the Dagster UI with few and with many runs in Dagster's tables, for `growth.py`.

The runs are copies of real ones, in tables that Dagster made; each has its own id and its own job.
Their events are left out: the page reads none. Webservers of their own answer what the page asks.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import click
import httpx
import sqlalchemy as sa
from subjects import Subject

from quel_dagster.demo.dagster import in_schema, ui_url, webserver_part
from quel_dagster.demo.stack import DAGSTER_SCHEMA
from quel_dagster.demo.supervisor import Supervisor
from quel_dagster.launch.storage import make_tables
from quel_dagster.pipeline.tags import JOB_ID_TAG, PATH_TAG

Milliseconds = Mapping[str, Mapping[str, float]]

WARM_UP = 2
"""Rounds that nobody measures."""
ENTRIES = 30
"""Of a page, as in the UI."""
WANTED = "beauty"
QUERIES = (Path(__file__).parent / "runs_page.graphql").read_text()
QUEUED = ("NOT_STARTED", "QUEUED")
IN_PROGRESS = ("STARTED", "STARTING", "CANCELING")

COPY = (
    """
    INSERT INTO {to}.snapshots (snapshot_id, snapshot_body, snapshot_type)
    SELECT snapshot_id, snapshot_body, snapshot_type FROM {of}.snapshots
    """,
    """
    CREATE TABLE {to}.copy AS
    WITH real AS (
        SELECT r.run_id, t.value AS job_id,
            row_number() OVER (ORDER BY r.id) - 1 AS place, count(*) OVER () AS number
        FROM {of}.runs AS r JOIN {of}.run_tags AS t ON t.run_id = r.run_id AND t.key = :tag
        WHERE r.status = 'SUCCESS'
    )
    SELECT n, real.run_id AS real_run, real.job_id AS real_job,
        gen_random_uuid()::text AS run_id, gen_random_uuid()::text AS job_id,
        localtimestamp - (:runs - n) * interval '14 days' / :runs AS created_at
    FROM generate_series(1, :runs) AS n JOIN real ON real.place = n % real.number
    """,
    """
    INSERT INTO {to}.runs (run_id, snapshot_id, pipeline_name, mode, status, run_body, partition,
        partition_set, create_timestamp, update_timestamp, start_time, end_time, backfill_id)
    SELECT c.run_id, r.snapshot_id, r.pipeline_name, r.mode, r.status,
        replace(replace(r.run_body, c.real_run, c.run_id), c.real_job, c.job_id),
        r.partition, r.partition_set,
        c.created_at, c.created_at + (r.update_timestamp - r.create_timestamp),
        extract(epoch FROM c.created_at) + r.start_time - extract(epoch FROM r.create_timestamp),
        extract(epoch FROM c.created_at) + r.end_time - extract(epoch FROM r.create_timestamp),
        r.backfill_id
    FROM {to}.copy AS c JOIN {of}.runs AS r ON r.run_id = c.real_run ORDER BY c.n
    """,
    """
    INSERT INTO {to}.run_tags (run_id, key, value)
    SELECT c.run_id, t.key, replace(t.value, c.real_job, c.job_id)
    FROM {to}.copy AS c JOIN {of}.run_tags AS t ON t.run_id = c.real_run ORDER BY c.n, t.id
    """,
    "ANALYZE {to}.runs",
    "ANALYZE {to}.run_tags",
)


@dataclass(frozen=True, kw_only=True)
class Side:
    """So many runs, the webserver that shows them, and the id of some job."""

    runs: int
    url: str
    job_id: str

    def questions(self) -> dict[str, Callable[[], object]]:
        """What the page asks by itself, filtered, and for its tabs."""
        return {
            "the newest runs": self._page,
            f"{PATH_TAG}={WANTED}": partial(self._page, PATH_TAG, WANTED),
            f"{JOB_ID_TAG} of one job": partial(self._page, JOB_ID_TAG, self.job_id, entries=1),
            "counts of the tabs": self._counts,
        }

    def _page(self, key: str = "", value: str = "", entries: int = ENTRIES) -> None:
        wanted = {"tags": [{"key": key, "value": value}]} if key else {}
        answer = self._ask("Page", limit=ENTRIES, filter=wanted, view="ROOTS")["runsFeedOrError"]
        assert len(answer["results"]) == entries
        if key:
            tag = {"key": key, "value": value}
            assert all(tag in result["tags"] for result in answer["results"])

    def _counts(self) -> None:
        statuses = {"queued": {"statuses": QUEUED}, "inProgress": {"statuses": IN_PROGRESS}}
        answer = self._ask("Counts", **statuses, view="RUNS")
        assert all(found["count"] == 0 for found in answer.values())

    def _ask(self, operation: str, **variables: object) -> dict[str, dict[str, Any]]:
        question = {"query": QUERIES, "operationName": operation, "variables": variables}
        answer = httpx.post(f"{self.url}/graphql", json=question, timeout=300, trust_env=False)
        document = answer.raise_for_status().json()
        found = document.get("data") or {}
        if "errors" in document or any("message" in each for each in found.values()):
            raise click.ClickException(f"the webserver does not answer {operation}: {document}")
        return found


def compare(subject: Subject, home: Path, sizes: Sequence[int], rounds: int) -> Milliseconds:
    """How long each question takes with each number of runs, asked in turn; the median."""
    with ExitStack() as exits:
        supervisor = exits.enter_context(Supervisor(home / "pages"))
        sides = [show(subject, supervisor, home, runs) for runs in sizes]
        times: dict[str, dict[int, list[float]]] = {}
        for turn in range(WARM_UP + rounds):
            for side in sides if turn % 2 else reversed(sides):
                for name, ask in side.questions().items():
                    began = time.perf_counter()
                    ask()
                    took = (time.perf_counter() - began) * 1000
                    if turn >= WARM_UP:
                        times.setdefault(name, {}).setdefault(side.runs, []).append(took)
    return {
        name: {str(runs): round(median(of_side[runs]), 1) for runs in sizes}
        for name, of_side in times.items()
    }


def show(subject: Subject, supervisor: Supervisor, home: Path, runs: int) -> Side:
    """Fills tables with so many runs and starts a webserver on them."""
    schema = f"runs_{runs}"
    engine = subject.place.engine
    url = in_schema(subject.place.variables["QUEL_DATABASE_URL"], schema)
    with engine.begin() as tx:
        tx.execute(sa.schema.CreateSchema(schema))
    make_tables(url)
    with engine.begin() as tx:
        tx.exec_driver_sql("SET LOCAL statement_timeout = 0")
        for statement in COPY:
            text = statement.format(to=schema, of=DAGSTER_SCHEMA)
            named = {"runs": runs, "tag": JOB_ID_TAG}
            tx.execute(
                sa.text(text), {name: each for name, each in named.items() if f":{name}" in text}
            )
        some = f"SELECT value FROM {schema}.run_tags WHERE key = '{JOB_ID_TAG}' LIMIT 1"
        job_id = tx.exec_driver_sql(some).scalar_one()
    port = supervisor.port()
    environ = {**subject.place.variables, "QUEL_DAGSTER_DATABASE_URL": url}
    part = webserver_part(port, home / "dagster" / "workspace.yaml", environ)
    supervisor.start(replace(part, name=schema))
    return Side(runs=runs, url=ui_url(port), job_id=job_id)
