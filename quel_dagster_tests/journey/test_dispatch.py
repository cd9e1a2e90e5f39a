"""`quel dispatch` in a running house: what its runs look like, and that two doors are no harm."""

import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast
from uuid import UUID

import httpx
import psutil
import pytest

from quel_dagster.demo.child import Death
from quel_dagster.demo.dispatch import dispatch_part
from quel_dagster.demo.front_end import FrontEnd
from quel_dagster.demo.report import count, total
from quel_dagster.demo.samples import move_in, orders
from quel_dagster.demo.stack import Stack
from quel_dagster.demo.supervisor import Supervisor
from quel_dagster.environment import Environment

PATIENCE = 150.0
RUNS = """query($tag: ExecutionTag!) {
  runsOrError(filter: {tags: [$tag]}) { ... on Runs { results {
    runId jobName status runConfigYaml hasReExecutePermission
    tags { key value } repositoryOrigin { repositoryLocationName repositoryName }
  } } }
}"""
AGAIN = """mutation($id: String!) {
  launchRunReexecution(reexecutionParams: {parentRunId: $id, strategy: ALL_STEPS}) {
    __typename ... on LaunchRunSuccess { run { runId jobName } } ... on PythonError { message }
  }
}"""

Json = dict[str, object]


@pytest.fixture
def place(stack: Stack) -> Iterator[Environment]:
    environment = Environment(stack.environ)
    yield environment
    environment.close()


def ask(stack: Stack, query: str, **variables: object) -> Json:
    body = {"query": query, "variables": variables}
    answer = httpx.post(f"{stack.ui_url}/graphql", json=body, timeout=30).raise_for_status()
    return cast("Json", answer.json()["data"])


def runs_of(stack: Stack, job_id: UUID) -> list[Json]:
    tag = {"key": "quel/job_id", "value": str(job_id)}
    found = cast("dict[str, list[Json]]", ask(stack, RUNS, tag=tag)["runsOrError"])
    return found["results"]


def serve(place: Environment, number: int) -> Sequence[UUID]:
    """So many orders, until they are final."""
    front_end = FrontEnd(place.engine, place.queue)
    customers = move_in(place.engine, place.storage)
    job_ids = [front_end.place(order) for order in orders(customers, number)]
    deadline = time.monotonic() + PATIENCE
    while not total(count(place.engine, job_ids)).is_final:
        assert time.monotonic() < deadline, "the orders are not final"
        time.sleep(0.2)
    return job_ids


def test_its_runs_are_the_sensors_in_the_ui_and_can_be_executed_again(
    stack: Stack, place: Environment
) -> None:
    """The sensor serves what dispatch misses, so of some orders one may be its own."""
    runs = [run for job_id in serve(place, 3) for run in runs_of(stack, job_id)]
    assert len(runs) == 3
    log = (Path(stack.environ["QUEL_STACK"]) / "log" / "dispatch.log").read_text()
    run = next(run for run in runs if str(run["runId"]) in log)
    tags = {each["key"]: each["value"] for each in cast("list[dict[str, str]]", run["tags"])}
    assert tags["dagster/sensor_name"] == "job_queue"
    assert tags["quel/path"] == run["jobName"]
    assert tags["dagster/run_key"] == f"{tags['quel/job_id']}#1/{run['runId']}"
    assert tags["quel/attempt"] == "1"
    assert run["repositoryOrigin"] == {
        "repositoryLocationName": "quel_dagster",
        "repositoryName": "__repository__",
    }
    assert tags["quel/job_id"] in str(run["runConfigYaml"])
    assert run["hasReExecutePermission"]
    again = cast("Json", ask(stack, AGAIN, id=run["runId"])["launchRunReexecution"])
    assert again["__typename"] == "LaunchRunSuccess", again


def test_with_two_of_them_and_the_sensor_every_order_has_one_run(
    stack: Stack, place: Environment, tmp_path: Path
) -> None:
    workspace = tmp_path / "workspace.yaml"
    workspace.write_text(Path(stack.environ["DAGSTER_HOME"], "workspace.yaml").read_text())
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(dispatch_part(workspace, stack.environ))
        job_ids = serve(place, 10)
        process = psutil.Process(supervisor.process_ids["dispatch"])
        process.send_signal(signal.SIGTERM)
        death = supervisor.wait(20)
    assert isinstance(death, Death)
    assert death.code == 0, str(death)
    attempts = Counter(job_id for job_id in job_ids for _ in runs_of(stack, job_id))
    assert attempts == Counter(job_ids)
