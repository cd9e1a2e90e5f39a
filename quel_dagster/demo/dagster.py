"""The Dagster processes of the embedded stack: code server, webserver and daemon.

They read our `dagster.yaml` from DAGSTER_HOME and find the code server through a workspace file.
"""

import shutil
import sysconfig
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

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


def write_home(home: Path, code_port: int) -> Path:
    """Fill DAGSTER_HOME and return the workspace file that points to the code server."""
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(statements.root().parent / "dagster.yaml", home / "dagster.yaml")
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
        environ=environ,
        ready=listens(port),
    )


def webserver_part(port: int, workspace: Path, environ: Mapping[str, str]) -> Part:
    """The UI; ready when it knows the code location."""
    return Part(
        name="webserver",
        command=[
            *_script("dagster-webserver", "--host", "127.0.0.1", "--port", str(port)),
            *("--workspace", str(workspace)),
        ],
        environ=environ,
        ready=_knows_location(ui_url(port)),
    )


def daemon_part(webserver_port: int, workspace: Path, environ: Mapping[str, str]) -> Part:
    """Sensors, schedules and the run queue; ready when the sensors' thread has shown itself."""
    return Part(
        name="daemon",
        command=_script("dagster-daemon", "run", "--workspace", str(workspace)),
        environ=environ,
        ready=_ticks_since(time.time(), ui_url(webserver_port)),
    )


def ui_url(port: int) -> str:
    """Where the UI is found."""
    return f"http://127.0.0.1:{port}"


def _script(name: str, *arguments: str) -> list[str]:
    return [str(Path(sysconfig.get_path("scripts")) / name), *arguments]


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
