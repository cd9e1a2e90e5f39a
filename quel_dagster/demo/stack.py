"""The whole embedded stack: every service quel_dagster needs, started and stopped together.

Which parts there are, in which order they start and what they are told is decided here. How a
process is run is the supervisor's business; a part's command stands in the part's own module.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import sqlalchemy as sa

from quel_dagster.demo import dagster
from quel_dagster.demo.api import api_part, api_url
from quel_dagster.demo.child import Death
from quel_dagster.demo.comfyui.part import comfyui_part
from quel_dagster.demo.dispatch import dispatch_part
from quel_dagster.demo.home import held, write_environ
from quel_dagster.demo.parts import Part, from_here
from quel_dagster.demo.postgres import Postgres
from quel_dagster.demo.redis import redis_part, redis_url
from quel_dagster.demo.s3 import CREDENTIALS, s3_part, s3_url
from quel_dagster.demo.supervisor import Stop, Supervisor
from quel_dagster.services.database import connect
from quel_dagster.services.migrations import migrate, record_cut_off

BUCKET = "attachments"
DATABASE = "quel"
DAGSTER_SCHEMA = "dagster"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a stack consists of.

    Args:
        given: addresses of services that run already, under the names of the environment variables
            QUEL_DATABASE_URL, QUEL_DAGSTER_DATABASE_URL, QUEL_REDIS_URL, S3_ENDPOINT_URL and
            COMFYUI_URLS. What is named there is used and not started; other names are ignored.
            Addresses that an earlier stack of ours wrote (it names itself in QUEL_STACK) are
            ignored too: its services ended with it.
        renderers: how many ComfyUI stand-ins.
        seconds: what a stand-in takes for one picture.
        with_dagster: whether the code server, a worker, the webserver and the daemon run too.
        launcher: who executes runs; the worker is there for the warm launcher only.
        dispatch: whether `quel dispatch` starts runs at once; else the sensor does, by itself.
        module: where the Dagster definitions are.
        ui_port: the port the UI should have; the next free one is taken when it is occupied.
        api_port: the same for the API; None leaves it out.
        max_age: jobs older than this at the first start are never begun.
    """

    given: Mapping[str, str] = field(default_factory=dict[str, str])
    renderers: int = 2
    seconds: float = 1.0
    with_dagster: bool = True
    launcher: dagster.Launcher = dagster.Launcher.WARM
    dispatch: bool = True
    module: str = "quel_dagster.definitions"
    ui_port: int = 3000
    api_port: int | None = None
    max_age: timedelta = timedelta(hours=24)


class Stack:
    """A running stack: `with Stack(home) as stack`. It stops when the block ends, however it ends.

    Attributes:
        environ: addresses and credentials as environment variables, for our clients and children.
    """

    def __init__(self, home: Path, options: Options | None = None) -> None:
        """Keep all data, logs and addresses in the folder `home`, usually `.quel`."""
        self._home = home.resolve()
        self._options = options or Options()
        self._exit = ExitStack()
        self.environ: dict[str, str] = {"QUEL_STACK": str(self._home)}

    def __enter__(self) -> Self:
        """Start everything and wait until it serves.

        Raises:
            StackFailed: a stack runs in this folder already, a part did not start, or a signal
                came meanwhile. Nothing is left running.
        """
        with ExitStack() as exit_stack:
            lock = exit_stack.enter_context(held(self._home))
            file = self._home / "env"
            self._supervisor = exit_stack.enter_context(Supervisor(self._home, [lock], file))
            self._start()
            write_environ(file, self.environ)
            self._exit = exit_stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop everything, last started first."""
        self._exit.close()

    @property
    def ui_url(self) -> str:
        """Where operators find the Dagster UI."""
        return self.environ["QUEL_UI_URL"]

    @property
    def comfyui(self) -> tuple[str, ...]:
        """Addresses of the render servers; our own are the parts `comfyui-1` and so on."""
        return tuple(filter(None, self.environ["COMFYUI_URLS"].split(",")))

    @property
    def parts(self) -> dict[str, int]:
        """The running parts in the order of their start, with their process ids."""
        return self._supervisor.process_ids

    def wait(self, timeout: float | None = None) -> Death | Stop | None:
        """Wait until a part ends by itself, or SIGINT, SIGTERM or SIGHUP comes, and say which.

        Args:
            timeout: seconds after which to give up and say None.
        """
        return self._supervisor.wait(timeout)

    def signals_as_events(self) -> AbstractContextManager[None]:
        """A block in which SIGINT, SIGTERM and SIGHUP wait for `wait`, whatever runs meanwhile."""
        return self._supervisor.signals_as_events()

    def kill(self, part: str) -> None:
        """Kill a part outright, as a power cut would."""
        self._supervisor.kill(part)

    def restart(self, part: str) -> None:
        """Start a killed part again, at the same address and with the same data."""
        self._supervisor.restart(part)

    def _start(self) -> None:
        services = [*self._redis(), *self._s3(), *self._comfyui()]
        self._supervisor.launch(*services)
        self._start_postgres()
        self._prepare_database()
        api = self._api()
        self._supervisor.launch(*api)
        if self._options.with_dagster:
            self._start_dagster()
        self._supervisor.wait_ready(*services, *api)
        self._make_bucket()

    def _redis(self) -> Sequence[Part]:
        if self._given("QUEL_REDIS_URL"):
            return []
        port = self._supervisor.port()
        self.environ["QUEL_REDIS_URL"] = redis_url(port)
        return [redis_part(port, self._folder("redis"))]

    def _s3(self) -> Sequence[Part]:
        if self._given("S3_ENDPOINT_URL"):
            return []
        port = self._supervisor.port()
        self.environ |= {"S3_ENDPOINT_URL": s3_url(port), **CREDENTIALS}
        return [s3_part(port, self._folder("s3") / "journal.jsonl")]

    def _comfyui(self) -> Sequence[Part]:
        if self._given("COMFYUI_URLS"):
            return []
        names = [f"comfyui-{number}" for number in range(1, self._options.renderers + 1)]
        ports = [self._supervisor.port() for _ in names]
        self.environ["COMFYUI_URLS"] = ",".join(f"http://127.0.0.1:{port}" for port in ports)
        seconds = self._options.seconds
        return [
            comfyui_part(name, port, self._folder("comfyui", name), seconds)
            for name, port in zip(names, ports, strict=True)
        ]

    def _api(self) -> Sequence[Part]:
        if self._options.api_port is None:
            return []
        port = self._supervisor.port(*from_here(self._options.api_port))
        self.environ["QUEL_API_URL"] = api_url(port)
        return [api_part(port, self.environ)]

    def _start_postgres(self) -> None:
        if self._given("QUEL_DATABASE_URL"):
            return
        server = Postgres(self._folder("postgres"))
        server.initialize()
        self._supervisor.start(server.part())
        server.ensure_database(DATABASE)
        self.environ["QUEL_DATABASE_URL"] = server.url(DATABASE)

    def _prepare_database(self) -> None:
        engine = connect(self.environ["QUEL_DATABASE_URL"])
        try:
            migrate(engine)
            record_cut_off(engine, self._options.max_age)
            if not self._given("QUEL_DAGSTER_DATABASE_URL"):
                with engine.begin() as connection:
                    connection.execute(sa.schema.CreateSchema(DAGSTER_SCHEMA, if_not_exists=True))
                self.environ["QUEL_DAGSTER_DATABASE_URL"] = dagster.in_schema(
                    self.environ["QUEL_DATABASE_URL"], DAGSTER_SCHEMA
                )
        finally:
            engine.dispose()

    def _start_dagster(self) -> None:
        ui, code = self._supervisor.port(*from_here(self._options.ui_port)), self._supervisor.port()
        home = self._folder("dagster")
        workspace = dagster.write_home(home, code, self._options.launcher)
        self.environ |= {"DAGSTER_HOME": str(home), "QUEL_UI_URL": dagster.ui_url(ui)}
        # The code server makes Dagster's tables; three at once would stumble over each other.
        self._supervisor.start(dagster.code_server_part(code, self._options.module, self.environ))
        parts = [
            dagster.webserver_part(ui, workspace, self.environ),
            dagster.only_daemon_part(ui, workspace, self.environ),
        ]
        if self._options.launcher is dagster.Launcher.WARM:
            parts.append(dagster.worker_part(home, self.environ))
        if self._options.dispatch:
            parts.append(dispatch_part(workspace, self.environ))
        self._supervisor.start(*parts)

    def _make_bucket(self) -> None:
        if self._given("S3_ENDPOINT_URL"):
            return
        bucket = f"{self.environ['S3_ENDPOINT_URL']}/{BUCKET}"
        if httpx.head(bucket).status_code == 404:
            httpx.put(bucket).raise_for_status()

    def _given(self, name: str) -> bool:
        """Whether a service was given; its address is in `environ` from then on."""
        given = self._options.given
        address = None if "QUEL_STACK" in given else given.get(name)
        if address:
            self.environ[name] = address
        return bool(address)

    def _folder(self, *names: str) -> Path:
        folder = self._home.joinpath(*names)
        folder.mkdir(parents=True, exist_ok=True)
        return folder
