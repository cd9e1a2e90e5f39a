"""The real Dagster on the services of a chaos run, with one daemon more than there may be.

Jobs are let in and run by Dagster alone then; nothing of it can be struck at a point.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from quel_dagster.demo.dagster import (
    code_server_part,
    daemon_part,
    ui_url,
    webserver_part,
    write_home,
)
from quel_dagster.demo.supervisor import Supervisor

if TYPE_CHECKING:
    from quel_dagster.demo.chaos.processes import Place

DEFINITIONS = "quel_dagster.definitions"


@contextmanager
def two_daemons(place: "Place") -> Generator[None]:
    """A code server, a webserver and two daemons, all on one database, until the block ends.

    Raises:
        StackFailed: one of them did not start.
    """
    folder = place.home / "two-daemons"
    with Supervisor(folder) as supervisor:
        ui, code = supervisor.port(), supervisor.port()
        workspace = write_home(folder / "dagster", code)
        environ = {
            **place.variables,
            "DAGSTER_HOME": str(workspace.parent),
            "QUEL_UI_URL": ui_url(ui),
        }
        daemon = daemon_part(ui, workspace, environ)
        supervisor.start(code_server_part(code, DEFINITIONS, environ))
        supervisor.start(
            webserver_part(ui, workspace, environ), daemon, replace(daemon, name="second-daemon")
        )
        yield
