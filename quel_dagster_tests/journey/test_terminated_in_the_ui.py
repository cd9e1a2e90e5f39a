"""An operator terminates a run in Dagster's UI, on the whole stack: that cancels its job."""

import time
from collections.abc import Iterator
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa

from quel_dagster.demo.front_end import FrontEnd, NewOrder
from quel_dagster.demo.stack import Stack
from quel_dagster.environment import Environment
from quel_dagster.model.job import Payer
from quel_dagster.services import tables
from quel_dagster_tests.builders import job_row, make_member
from quel_dagster_tests.outcomes.workshop import wait_until

PICTURES = 40
"""More than are made until the run is terminated."""
FINAL = {"completed", "failed", "user_cancelled"}

TERMINATE = """mutation ($run: String!) {
  terminateRun(runId: $run) { __typename }
}"""
STATUS = """query ($run: ID!) {
  runOrError(runId: $run) { ... on Run { status } }
}"""


@pytest.fixture
def environment(stack: Stack) -> Iterator[Environment]:
    environment = Environment(stack.environ)
    yield environment
    environment.close()


def ask(stack: Stack, query: str, run_id: str) -> dict[str, dict[str, str]]:
    body = {"query": query, "variables": {"run": run_id}}
    answer = httpx.post(f"{stack.ui_url}/graphql", json=body, timeout=60).raise_for_status()
    return answer.json()["data"]


def order(environment: Environment) -> UUID:
    document = {
        "basePrompt": "a linen suit",
        "aspect-ratio": "1:1",
        "combinations": [{"angle": "front", "shot": "full", "quantity": PICTURES}],
    }
    payer = Payer(member_id=make_member(environment.engine))
    front_end = FrontEnd(environment.engine, environment.queue)
    return front_end.place(
        NewOrder(path="fashion", input=document, payer=payer, total_images=PICTURES)
    )


def run_of(environment: Environment, job_id: UUID) -> str:
    with environment.engine.connect() as connection:
        mine = sa.select(tables.attempt.c.run_id).where(tables.attempt.c.job_id == job_id)
        return connection.execute(mine).scalar_one()


def test_terminating_a_run_cancels_its_job_and_keeps_what_was_delivered(
    stack: Stack, environment: Environment
) -> None:
    engine = environment.engine
    job_id = order(environment)
    wait_until(lambda: job_row(engine, job_id)["completed_images"], "the first picture")
    run_id = run_of(environment, job_id)

    asked = time.monotonic()
    assert ask(stack, TERMINATE, run_id)["terminateRun"]["__typename"] == "TerminateRunSuccess"
    wait_until(lambda: job_row(engine, job_id)["job_status"] in FINAL, "the job ends")

    assert time.monotonic() - asked < 10
    row = job_row(engine, job_id)
    assert (row["job_status"], row["error_message"]) == (
        "user_cancelled",
        f"run {run_id} was terminated",
    )
    assert 0 < row["completed_images"] < PICTURES
    assert len(row["generated_attach_ids"]) == row["completed_images"]
    with engine.connect() as connection:
        mine = tables.ledger.c.user_id == row["quel_member_id"]
        charges = connection.scalars(sa.select(tables.ledger.c.amount).where(mine)).all()
    assert charges == [-20] * row["completed_images"]
    wait_until(
        lambda: ask(stack, STATUS, run_id)["runOrError"]["status"] == "CANCELED", "the run ends"
    )
    for url in stack.comfyui:
        queue = httpx.get(f"{url}/queue", trust_env=False).json()
        assert queue == {"queue_running": [], "queue_pending": []}
