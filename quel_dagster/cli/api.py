"""`quel api`: serves orders, cancels and metrics over HTTP until it is told to stop."""

import logging
import signal
import sys
from types import FrameType

import click
import uvicorn

from quel_dagster import categories
from quel_dagster.api.app import build
from quel_dagster.api.guard import check_binding
from quel_dagster.environment import here


@click.command("api")
@click.option("--host", help="Where to listen.  [default: api.host of the configuration]")
@click.option(
    "--port", type=click.IntRange(1, 65535), help="[default: api.port of the configuration]"
)
def api_command(host: str | None, port: int | None) -> None:
    """Serves orders, rings, cancels and metrics over HTTP; /docs describes them.

    Callers show QUEL_API_TOKEN, which may be left out only on 127.0.0.1. SIGTERM lets the requests
    in work end.
    """
    place = here()
    settings = place.settings.api
    address = host or settings.host
    check_binding(address, place.api_token)
    logging.basicConfig(format="%(levelname)s:     %(name)s: %(message)s")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    uvicorn.run(
        build(place, categories.paths()),
        host=address,
        port=port or settings.port,
        timeout_graceful_shutdown=round(settings.stop_within.total_seconds()),
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        ws="none",
    )


def end(_number: int, _frame: FrameType | None) -> None:
    """Ends the process: uvicorn, once it has ended in peace, repeats the signal that told it to."""
    sys.exit(0)
