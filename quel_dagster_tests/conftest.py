"""Real servers for the tests: PostgreSQL, Redis and S3, started once and only when a test asks."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import dagster as dg
import httpx
import pytest
import redis

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.demo.postgres import UNSAFE_BUT_FAST, Postgres
from quel_dagster.demo.redis import redis_part
from quel_dagster.demo.redis import redis_url as url_of_redis
from quel_dagster.demo.s3 import CREDENTIALS, s3_part, s3_url
from quel_dagster.demo.stack import Options, Stack
from quel_dagster.demo.supervisor import Supervisor
from quel_dagster.environment import Environment
from quel_dagster.services.database import connect
from quel_dagster.services.migrations import migrate, record_cut_off
from quel_dagster_tests.house import House

HERE = Path(__file__).parent
LAST = ("journey/test_chaos.py", "stack")
"""Groups of tests that take minutes, in the order in which they are begun."""
_numbers = count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--regold` writes golden files and the pictures of the docs anew."""
    parser.addoption("--regold", action="store_true", help="write quel_dagster_tests/golden anew")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests stay together, and those of the whole stack; what takes longest comes last.

    So a process that runs a share of them starts what they need once, and the stack's daemon takes
    nothing from all the others.
    """
    for item in items:
        shares_stack = "stack" in getattr(item, "fixturenames", ())
        group = "stack" if shares_stack else str(item.path.relative_to(HERE))
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: LAST.index(group_of(item)) if group_of(item) in LAST else -1)


def group_of(item: pytest.Item) -> str:
    """What a test stays together with."""
    mark = item.get_closest_marker("xdist_group")
    return str(mark.args[0]) if mark else ""


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's own user can enter.

    pytest's folders are shut to all but their owner whenever another pytest of his begins.
    """
    with TemporaryDirectory(prefix="quel-") as name:
        yield Path(name)


@pytest.fixture
def home(open_folder: Path) -> Path:
    """A fresh folder for an embedded stack."""
    return Path(mkdtemp(dir=open_folder))


@pytest.fixture(scope="session")
def servers(open_folder: Path) -> Iterator[Supervisor]:
    """Stops every server at the end; its guard does so when pytest itself is killed."""
    with Supervisor(open_folder) as supervisor:
        yield supervisor


@pytest.fixture(scope="session")
def postgres(servers: Supervisor, open_folder: Path) -> Postgres:
    """The PostgreSQL of this session."""
    server = Postgres(open_folder / "postgres", *UNSAFE_BUT_FAST)
    server.initialize()
    servers.start(server.part())
    return server


@pytest.fixture(scope="session")
def template(postgres: Postgres) -> str:
    """The name of a migrated database that is only ever copied."""
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


@pytest.fixture(scope="session")
def comfyui_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComfyUIProcess]:
    """One quick stand-in for the session."""
    data = tmp_path_factory.mktemp("comfyui")
    with ComfyUIProcess(data=data, seconds=0.1) as server:
        yield server


@pytest.fixture
def comfyui(comfyui_server: ComfyUIProcess) -> ComfyUIProcess:
    """The stand-in, alive and with all faults off."""
    if not comfyui_server.alive:
        comfyui_server.start()
    comfyui_server.faults()
    return comfyui_server


CONFIG = """
worker:
  redis: {timeout: 100ms}
  attempts: {max: 2, backoff: 10ms}
  fallback: {unknown_path_behavior: reject}
comfyui:
  backends: ["${COMFYUI_URLS}"]
  deadline: 10s
  side_by_side: 1
  models:
    unet: qwen_image_edit_2509_fp8_e4m3fn.safetensors
    clip: qwen_2.5_vl_7b_fp8_scaled.safetensors
    vae: qwen_image_vae.safetensors
credits: {price_per_image: 20}
"""


@pytest.fixture
def variables(
    database: str, redis_url: str, s3_endpoint: str, comfyui: ComfyUIProcess, tmp_path: Path
) -> dict[str, str]:
    """The environment variables of a house with impatient settings."""
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG)
    return {
        "QUEL_CONFIG": str(config),
        "QUEL_DATABASE_URL": database,
        "QUEL_REDIS_URL": redis_url,
        "S3_ENDPOINT_URL": s3_endpoint,
        "COMFYUI_URLS": comfyui.url,
        **CREDENTIALS,
    }


@pytest.fixture
def build_house() -> Iterator[Callable[[Mapping[str, str]], House]]:
    """Makes houses from environment variables, and tidies up after them."""
    with ExitStack() as exits:

        def build(variables: Mapping[str, str]) -> House:
            environment = Environment(variables)
            record_cut_off(environment.engine, timedelta(days=1))
            exits.callback(environment.close)
            instance = exits.enter_context(dg.DagsterInstance.ephemeral())
            return House(environment, instance)

        yield build


@pytest.fixture
def house(build_house: Callable[[Mapping[str, str]], House], variables: dict[str, str]) -> House:
    """A house in which everything works."""
    return build_house(variables)


@pytest.fixture(scope="session")
def stack(open_folder: Path) -> Iterator[Stack]:
    """The whole embedded stack with Dagster's daemon and UI, as `quel up` starts it."""
    with Stack(open_folder / "stack", Options(seconds=0.3)) as running:
        yield running
