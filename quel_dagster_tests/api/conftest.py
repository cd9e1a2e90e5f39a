"""The API of one test, on a database of its own."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from quel_dagster.services.migrations import record_cut_off
from quel_dagster_tests.api.serving import CONFIG, TOKEN, Api, serving


@pytest.fixture
def variables(database: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    """PostgreSQL and Redis, no ComfyUI, no token."""
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG)
    return {
        "QUEL_CONFIG": str(config),
        "QUEL_DATABASE_URL": database,
        "QUEL_REDIS_URL": redis_url,
    }


@pytest.fixture
def api(variables: dict[str, str]) -> Iterator[Api]:
    """An API without a token."""
    with serving(variables) as api:
        record_cut_off(api.engine, timedelta(days=1))
        yield api


@pytest.fixture
def locked(variables: dict[str, str]) -> Iterator[Api]:
    """An API with a token."""
    with serving({**variables, "QUEL_API_TOKEN": TOKEN}) as api:
        yield api
