"""The API as a part of the embedded stack, by the command an operator would use."""

import sys
from collections.abc import Mapping

from quel_dagster.demo.parts import Part, answers_http


def api_part(port: int, environ: Mapping[str, str]) -> Part:
    """Serves on this machine only; ready when it answers."""
    return Part(
        name="api",
        command=[
            *(sys.executable, "-m", "quel_dagster", "api"),
            *("--host", "127.0.0.1", "--port", str(port)),
        ],
        environ=environ,
        ready=answers_http(f"{api_url(port)}/health"),
    )


def api_url(port: int) -> str:
    """Where it is found."""
    return f"http://127.0.0.1:{port}"
