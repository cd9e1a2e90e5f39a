"""The backfill on the whole stack, as Dagster's UI launches and terminates it."""

from collections.abc import Iterator, Mapping

import httpx
import pytest

from quel_dagster.demo.stack import Stack
from quel_dagster.environment import Environment
from quel_dagster_tests.maintenance.old_rows import JOBS, fill, without_path
from quel_dagster_tests.outcomes.workshop import wait_until

ROWS = 2000
WHERE = """{
  repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } } } }
}"""
LAUNCH = """mutation ($run: ExecutionParams!) {
  launchRun(executionParams: $run) { ... on LaunchRunSuccess { run { runId } } }
}"""
TERMINATE = "mutation ($run: String!) { terminateRun(runId: $run) { __typename } }"
STATUS = "query ($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }"


@pytest.fixture
def place(stack: Stack) -> Iterator[Environment]:
    """The stack's own database."""
    environment = Environment(stack.environ)
    yield environment
    environment.close()


def ask(stack: Stack, query: str, variables: Mapping[str, object], *where: str | int) -> object:
    """What the webserver answers, at a place in its answer."""
    body = {"query": query, "variables": variables}
    answer = httpx.post(f"{stack.ui_url}/graphql", json=body, timeout=60, trust_env=False)
    found = answer.raise_for_status().json()["data"]
    for key in where:
        found = found[key]
    return found


def launch(stack: Stack, config: Mapping[str, object]) -> str:
    """The id of a run of the job with this configuration."""
    nodes = ("repositoriesOrError", "nodes", 0)
    run = {
        "selector": {
            "repositoryName": ask(stack, WHERE, {}, *nodes, "name"),
            "repositoryLocationName": ask(stack, WHERE, {}, *nodes, "location", "name"),
            "jobName": "backfill_production_path",
        },
        "runConfigData": {"ops": {"name_paths": {"config": config}}},
    }
    return str(ask(stack, LAUNCH, {"run": run}, "launchRun", "run", "runId"))


def wait_for(stack: Stack, run_id: str, status: str) -> None:
    def is_there() -> bool:
        return ask(stack, STATUS, {"run": run_id}, "runOrError", "status") == status

    wait_until(is_there, f"the run is {status}")


def test_terminated_in_the_ui_it_stops_and_launched_again_it_ends(
    stack: Stack, place: Environment
) -> None:
    fill(place.engine, ROWS)
    slowly = {"dry_run": False, "tables": [JOBS], "batch_size": 20, "pause": "200ms"}
    run_id = launch(stack, slowly)
    wait_until(lambda: without_path(place.engine) < ROWS, "the first rows are done")
    assert ask(stack, TERMINATE, {"run": run_id}, "terminateRun", "__typename") == (
        "TerminateRunSuccess"
    )
    wait_for(stack, run_id, "CANCELED")
    left = without_path(place.engine)
    assert 0 < left < ROWS

    dry = launch(stack, {})
    wait_for(stack, dry, "SUCCESS")
    assert without_path(place.engine) == left
    wait_for(stack, launch(stack, slowly | {"pause": "0s"}), "SUCCESS")
    assert without_path(place.engine) == 0
