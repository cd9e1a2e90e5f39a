"""Renders that nobody will fetch: they are taken back from ComfyUI, each by its own id.

A job that waits for another attempt keeps its renders: that attempt finds and adopts them.
"""

import threading
from contextlib import suppress
from uuid import UUID

from quel_dagster.model.errors import BackendAway, Unavailable
from quel_dagster.services.comfyui.backends import Backends
from quel_dagster.services.comfyui.server import ComfyServer
from quel_dagster.services.store import JobStore


class Renders:
    """What an attempt has asked servers for. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: dict[UUID, ComfyServer] = {}

    def note(self, prompt_id: UUID, server: ComfyServer) -> None:
        """A server is asked for a render now."""
        with self._lock:
            self._asked[prompt_id] = server

    def unqueue(self) -> None:
        """Takes back what no server has begun.

        Comes before a running render of a cancelled job is interrupted: its server would go on with
        the next one, whose picture hears only later that nobody wants it.
        """
        asked = self._all()
        for server in set(asked.values()):
            with suppress(BackendAway):
                server.unqueue(prompt for prompt, asked_of in asked.items() if asked_of is server)

    def take_back_replaced(self, store: JobStore, job_id: UUID) -> None:
        """Cancels those for which the attempt that has the job by now has asked anew.

        A process that was frozen just before it asked does so when it wakes up, too late for its
        successor to find.
        """
        with suppress(Unavailable):
            noted = store.prompts(job_id)
            for prompt_id, server in self._all().items():
                if prompt_id not in noted:
                    with suppress(BackendAway):
                        server.cancel(prompt_id)

    def _all(self) -> dict[UUID, ComfyServer]:
        with self._lock:
            return dict(self._asked)


def take_back(store: JobStore, backends: Backends, *job_ids: UUID) -> None:
    """Cancels what final jobs may still have in work; for any other, nothing.

    A server that does not answer once is not asked again.

    Raises:
        Unavailable: PostgreSQL cannot be reached.
    """
    away = set[str]()
    for job_id in job_ids:
        for prompt_id, url in store.forsaken(job_id):
            server = backends.by_url(url)
            if server is None or url in away:
                continue
            try:
                server.cancel(prompt_id)
            except BackendAway:
                away.add(url)
