"""Renders that a closed job left on ComfyUI: nobody will fetch them, so they are taken back.

A job that waits for another attempt keeps its renders: that attempt finds and adopts them.
"""

from contextlib import suppress
from uuid import UUID

from quel_dagster.model.errors import BackendAway
from quel_dagster.services.comfyui.backends import Backends
from quel_dagster.services.store import JobStore


def take_back(store: JobStore, backends: Backends, job_id: UUID) -> None:
    """Cancels, each by its own id, what a final job still has in work; for any other, nothing.

    Raises:
        Unavailable: PostgreSQL cannot be reached.
    """
    for prompt_id, url in store.forsaken(job_id):
        if server := backends.by_url(url):
            with suppress(BackendAway):
                server.cancel(prompt_id)
