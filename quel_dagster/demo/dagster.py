"""The Dagster processes of the embedded stack: code server, worker, webserver and daemon.

They read our `dagster.yaml` from DAGSTER_HOME and find the code server through a workspace file.
"""

import sys
import sysconfig
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

import httpx
import sqlalchemy as sa
import yaml

from quel_dagster.demo.parts import Part, listens
from quel_dagster.services import statements

LOCATION = "quel_dagster"
"""Name of the code location, the same as in the repository's `workspace.yaml`."""

WORKSPACE = """\
load_from:
  - grpc_server:
      host: 127.0.0.1
      port: {port}
      location_name: {location}
"""

LOADED = "{workspaceOrError{... on Workspace{locationEntries{locationOrLoadError{__typename}}}}}"
HEARTBEAT = '{instance{daemonHealth{daemonStatus(daemonType: "SENSOR"){lastHeartbeatTime}}}}'


class Launcher(StrEnum):
    """How runs are executed."""

    WARM = "warm"
    """By `quel worker`."""
    STOCK = "stock"
    """Each in a new process, as Dagster does by itself."""


def write_home(home: Path, code_port: int, launcher: Launcher = Launcher.STOCK) -> Path:
    """Fill DAGSTER_HOME and return the workspace file that points to the code server."""
    home.mkdir(parents=True, exist_ok=True)
    shipped = statements.root().parent / "dagster.yaml"
    settings = yaml.safe_load(shipped.read_text(encoding="utf-8"))
    if launcher is Launcher.STOCK:
        del settings["run_launcher"]
    (home / "dagster.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    workspace = home / "workspace.yaml"
    workspace.write_text(WORKSPACE.format(port=code_port, location=LOCATION))
    return workspace


def code_server_part(port: int, module: str, environ: Mapping[str, str]) -> Part:
    """The server that imports `module` and runs its ops; it does not serve before that is done."""
    return Part(
        name="code-server",
        command=[
            *_script("dagster", "api", "grpc"),
            *("--host", "127.0.0.1", "--port", str(port)),
            *("--module-name", module, "--location-name", LOCATION),
        ],
        environ=_with_us(environ),
        ready=listens(port),
    )


def worker_part(
    home: Path, environ: Mapping[str, str], *options: str, name: str = "worker"
) -> Part:
    """A node that executes runs, by the command an operator would use; `options` are its own."""
    ready = home / f"{name}.ready"
    ready.unlink(missing_ok=True)
    return Part(
        name=name,
        command=[
            *(sys.executable, "-m", "quel_dagster", "worker"),
            *("--name", name, "--ready", str(ready), *options),
        ],
        environ=environ,
        ready=ready.exists,
    )


def webserver_part(port: int, workspace: Path, environ: Mapping[str, str]) -> Part:
    """The UI; ready when it knows the code location."""
    return Part(
        name="webserver",
        command=[
            *_script("dagster-webserver", "--host", "127.0.0.1", "--port", str(port)),
            *("--workspace", str(workspace)),
        ],
        environ=_with_us(environ),
        ready=_knows_location(ui_url(port)),
    )


def daemon_part(webserver_port: int, workspace: Path, environ: Mapping[str, str]) -> Part:
    """Sensors, schedules and the run queue; ready when the sensors' thread has shown itself."""
    return Part(
        name="daemon",
        command=_script("dagster-daemon", "run", "--workspace", str(workspace)),
        environ=_with_us(environ),
        ready=_ticks_since(time.time(), ui_url(webserver_port)),
    )


def only_daemon_part(webserver_port: int, workspace: Path, environ: Mapping[str, str]) -> Part:
    """The same, which waits as long as another one runs on the same database."""
    command = [sys.executable, "-m", "quel_dagster", "daemon", "--workspace", str(workspace)]
    return replace(daemon_part(webserver_port, workspace, environ), command=command)


def ui_url(port: int) -> str:
    """Where the UI is found."""
    return f"http://127.0.0.1:{port}"


def in_schema(url: str, schema: str) -> str:
    """The same database for Dagster: tables are made and looked for in `schema`.

    A commit does not wait for the disk. After a power cut Dagster may not know of what happened in
    the last half second; what became of a job is never read from there.
    """
    options = f"-csearch_path={schema} -csynchronous_commit=off"
    address = sa.make_url(url).set(drivername="postgresql")
    return address.update_query_dict({"options": options}).render_as_string(hide_password=False)


def _script(name: str, *arguments: str) -> list[str]:
    return [str(Path(sysconfig.get_path("scripts")) / name), *arguments]


def _with_us(environ: Mapping[str, str]) -> Mapping[str, str]:
    """An environment in which Dagster's programs find us also where we are not installed."""
    return {**environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def _knows_location(ui: str) -> Callable[[], bool]:
    def ready() -> bool:
        answer = _ask(ui, LOADED)
        return answer is not None and "RepositoryLocation" in answer.text

    return ready


def _ticks_since(start: float, ui: str) -> Callable[[], bool]:
    def ready() -> bool:
        answer = _ask(ui, HEARTBEAT)
        if answer is None:
            return False
        status = answer.json()["data"]["instance"]["daemonHealth"]["daemonStatus"]
        return (status["lastHeartbeatTime"] or 0.0) > start

    return ready


def _ask(ui: str, query: str) -> httpx.Response | None:
    """The webserver's answer, or None while there is none."""
    try:
        answer = httpx.post(f"{ui}/graphql", json={"query": query}, timeout=10)
    except httpx.TransportError:
        return None
    return answer if answer.is_success else None
