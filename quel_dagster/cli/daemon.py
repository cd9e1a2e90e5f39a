"""`quel daemon`: Dagster's daemon, of which only one runs at a time."""

import os
import sys
import threading
import time
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path

import click

from quel_dagster.cli.dispatch import workspace_option
from quel_dagster.environment import here
from quel_dagster.services.leadership import Leadership

tell = partial(click.echo, err=True)


@click.command("daemon")
@workspace_option
def daemon_command(workspace: Path) -> None:
    """Runs `dagster-daemon run`, once no other process does: start as many as you like.

    The lock lies beside Dagster's tables (QUEL_DAGSTER_DATABASE_URL) and ends with the process.
    One that loses its connection to it stops at once, as if killed, and waits for its turn again.
    """
    here().check_dagster_home()
    turn = Leadership.await_turn(here().dagster_url, tell, time.sleep)
    tell("this process has the lock: the daemon starts")
    threading.Thread(
        target=turn.watch, args=(begin_again, threading.Event()), name="watch-lock", daemon=True
    ).start()
    (daemon,) = entry_points(group="console_scripts", name="dagster-daemon")
    sys.argv = ["dagster-daemon", "run", "--workspace", str(workspace)]
    daemon.load()()


def begin_again(why: str) -> None:
    """Becomes a new process of the same id, asking nobody: the next daemon may begin any time."""
    tell(f"the lock is lost, so this daemon stops and waits for it again: {why}")
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - ourselves
