"""A ComfyUI stand-in as a part of the embedded stack."""

import sys
from pathlib import Path

from quel_dagster.demo.parts import Part, answers_http


def comfyui_part(name: str, port: int, data: Path, seconds: float) -> Part:
    """Renders in so many seconds a picture and keeps its files in `data`."""
    return Part(
        name=name,
        command=[
            *(sys.executable, "-m", "quel_dagster.demo.comfyui", "--name", name),
            *("--port", str(port), "--data", str(data), "--seconds", str(seconds)),
        ],
        ready=answers_http(f"http://127.0.0.1:{port}/system_stats"),
    )
