"""The stand-ins for ComfyUI as a chaos run sees them: what they have executed, and how fast.

Killing one and starting it again is the scene's part.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress
from uuid import UUID

import httpx

from quel_dagster.demo.comfyui.wire import Json


class Renderers:
    """What all lives of the stand-ins have executed.

    Args:
        urls: their addresses, which stay the same from one life to the next.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = urls
        self._past: list[Json] = []

    def renders_take(self, seconds: float | None) -> None:
        """Lets every render take so long from now on; None for as long as it did at first."""
        switches = {} if seconds is None else {"render_seconds": seconds}
        for url in self._urls:
            httpx.post(f"{url}/stand-in/faults", json=switches).raise_for_status()

    def note(self, number: int) -> None:
        """Keeps what one of them, counted from 1, has executed: it is about to be killed."""
        self._past += _log(self._urls[number - 1])

    def executed(self, job_ids: Collection[UUID]) -> list[str]:
        """The ids of the prompts of these jobs that were really executed, as often as they were."""
        mine = {str(job_id) for job_id in job_ids}
        log = list(self._past)
        for url in self._urls:
            log += _log(url)
        return [
            str(entry["prompt_id"])
            for entry in log
            if entry["outcome"] != "cached" and _job_of(str(entry["filename_prefix"])) in mine
        ]


def _log(url: str) -> list[Json]:
    """What this life has begun to execute; nothing where nobody is alive."""
    with suppress(httpx.TransportError):
        entries: list[Json] = httpx.get(f"{url}/stand-in/log").raise_for_status().json()
        return entries
    return []


def _job_of(filename_prefix: str) -> str:
    """`quel/<path>/<job>/<slot>-<generation>` names the job."""
    return filename_prefix.split("/")[2] if filename_prefix.count("/") >= 3 else ""
