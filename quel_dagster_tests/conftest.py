"""Real servers for the tests: PostgreSQL, Redis and S3, started once and only when a test asks."""

from collections.abc import Iterator
from itertools import count

import httpx
import pytest
import redis

from quel_dagster.demo.postgres import UNSAFE_BUT_FAST, Postgres
from quel_dagster.demo.redis import redis_part
from quel_dagster.demo.redis import redis_url as url_of_redis
from quel_dagster.demo.s3 import CREDENTIALS, s3_part, s3_url
from quel_dagster.demo.supervisor import Supervisor

_numbers = count(1)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervisor]:
    """Stops every server at the end; its guard does so when pytest itself is killed."""
    with Supervisor(tmp_path_factory.mktemp("servers")) as supervisor:
        yield supervisor


@pytest.fixture(scope="session")
def postgres(servers: Supervisor, tmp_path_factory: pytest.TempPathFactory) -> Postgres:
    """The PostgreSQL of this session."""
    server = Postgres(tmp_path_factory.mktemp("postgres"), *UNSAFE_BUT_FAST)
    server.initialize()
    servers.start(server.part())
    return server


@pytest.fixture(scope="session")
def template(postgres: Postgres) -> str:
    """The name of a migrated database that is only ever copied."""
    from quel_dagster.services.database import connect
    from quel_dagster.services.migrations import migrate

    postgres.execute("CREATE DATABASE template_quel")
    engine = connect(postgres.url("template_quel"))
    migrate(engine)
    engine.dispose()
    return "template_quel"


@pytest.fixture
def empty_database(postgres: Postgres) -> Iterator[str]:
    """The URL of a fresh database without any table."""
    yield from _fresh_database(postgres, "template1")


@pytest.fixture
def database(postgres: Postgres, template: str) -> Iterator[str]:
    """The URL of a fresh migrated database."""
    yield from _fresh_database(postgres, template)


def _fresh_database(postgres: Postgres, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    postgres.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield postgres.url(name)
    postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def redis_server(servers: Supervisor) -> str:
    """The URL of this session's Redis, which keeps nothing."""
    port = servers.port()
    servers.start(redis_part(port))
    return url_of_redis(port)


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The URL of an empty Redis."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server


@pytest.fixture(scope="session")
def s3_server(servers: Supervisor) -> str:
    """The URL of this session's S3."""
    port = servers.port()
    servers.start(s3_part(port))
    return s3_url(port)


@pytest.fixture
def s3_endpoint(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an S3 with one empty bucket, `attachments`; the environment has credentials."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    httpx.post(f"{s3_server}/moto-api/reset").raise_for_status()
    httpx.put(f"{s3_server}/attachments").raise_for_status()
    return s3_server
