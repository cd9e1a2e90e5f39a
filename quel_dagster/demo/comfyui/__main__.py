"""`python -m quel_dagster.demo.comfyui`: one stand-in as a process of its own."""

import asyncio
import tempfile
from pathlib import Path

import click

from quel_dagster.demo.comfyui.app import serve
from quel_dagster.demo.comfyui.server import Server


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", type=int, required=True, help="Port to listen at; 0 takes a free one.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for input, output and temp.  [default: a temporary one]",
)
@click.option("--seconds", default=1.5, show_default=True, help="How long a render takes.")
@click.option("--name", default="stand-in", show_default=True, help="What it calls its device.")
@click.option("--model", "models", multiple=True, help="A further model name to accept.")
def main(
    host: str, port: int, data: Path | None, seconds: float, name: str, models: tuple[str, ...]
) -> None:
    """Run a stand-in for a ComfyUI server.

    Prints its address on one line as soon as it answers.
    """
    with tempfile.TemporaryDirectory(prefix="comfyui-") as temporary:
        server = Server(data or Path(temporary), seconds=seconds, name=name, extra_models=models)
        asyncio.run(serve(server, host, port, ready=click.echo))


if __name__ == "__main__":
    main()
