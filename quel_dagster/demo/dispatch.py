"""`quel dispatch` as a part of the embedded stack, by the command an operator would use."""

import sys
from collections.abc import Mapping
from pathlib import Path

from quel_dagster.demo.parts import Part


def dispatch_part(workspace: Path, environ: Mapping[str, str]) -> Part:
    """Starts runs at once; ready after its first pass."""
    ready = workspace.with_name("dispatch.ready")
    ready.unlink(missing_ok=True)
    return Part(
        name="dispatch",
        command=[
            *(sys.executable, "-m", "quel_dagster", "dispatch"),
            *("--workspace", str(workspace), "--ready", str(ready)),
        ],
        environ=environ,
        ready=ready.exists,
    )
