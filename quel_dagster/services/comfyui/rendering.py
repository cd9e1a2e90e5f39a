"""One prompt on one server, from wherever it stands to its end: adopted, submitted, waited for.

Which server, what graph, and whether to try again are the caller's to decide.
"""

import math
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from uuid import UUID

from quel_dagster.model.errors import BackendAway, RenderFailed, RenderLost, RenderStopped
from quel_dagster.services.comfyui.answers import InputMissing
from quel_dagster.services.comfyui.events import Hints
from quel_dagster.services.comfyui.found import (
    Broken,
    Cause,
    Finished,
    Found,
    ImageFile,
    Running,
    Unknown,
    Waiting,
)
from quel_dagster.services.comfyui.graph import Graph
from quel_dagster.services.comfyui.patience import Patience, State
from quel_dagster.services.comfyui.server import ComfyServer
from quel_dagster.services.comfyui.waiting import never, pauses

TRIES = 5
"""Questions in a row that may go unanswered; with the pauses between them, some seconds."""
ROUNDS_TO_LOSE = 2
"""Rounds in a row that must lack a prompt which was there before it counts as lost."""


def render(
    server: ComfyServer,
    prompt_id: UUID,
    make_graph: Callable[[], Graph],
    *,
    deadline: float,
    silence: float = math.inf,
    on_progress: Callable[[float], None] | None = None,
    should_stop: Callable[[], bool] = never,
) -> Finished:
    """Finds the prompt or submits it, and waits for its pictures, of which there is at least one.

    Args:
        server: where it is or shall be.
        prompt_id: stands for one picture for ever: a finished one is taken, a running one awaited.
        make_graph: uploads to `server` what the graph needs and makes it. Called only when the
            prompt is nowhere, and once more when the server has lost an upload.
        deadline: seconds for it to begin, and again for it to end.
        silence: seconds without a sign of a prompt whose beginning the server told.
        on_progress: told the fraction done, 0 to 1, when it has grown.
        should_stop: asked about every second; by `BackendAway` it has the prompt taken back too.

    Raises:
        PromptRefused: the server will never run this graph.
        RenderFailed, RenderLost: it ended without a picture, or the server has forgotten it.
        RenderStopped: `should_stop` said so; the prompt was cancelled.
        BackendAway: no answer `TRIES` times in a row, or no sign of it in time: it was cancelled.
    """
    patience = Patience(server.url, deadline, silence, should_stop)
    with Hints(server.address, prompt_id) as hints:
        rounds = _Rounds(server, prompt_id, make_graph, hints)
        while (finished := rounds.ask()) is None:
            rounds.report(on_progress)
            try:
                patience.check(rounds.state, hints.signs)
            except (BackendAway, RenderStopped):
                rounds.cancel()
                raise
            hints.wait(patience.pause())
    return finished


def fetch(server: ComfyServer, image: ImageFile, should_stop: Callable[[], bool] = never) -> bytes:
    """The bytes of a picture that a server has made; a moment's trouble must not cost the render.

    Raises:
        RenderLost: the file is gone.
        RenderStopped: `should_stop` said so; it is asked before each repeat.
        BackendAway: no answer `TRIES` times in a row.
    """
    for pause in islice(pauses(), TRIES - 1):
        with suppress(BackendAway):
            return server.view(image)
        if should_stop():
            raise RenderStopped
        time.sleep(pause)
    return server.view(image)


class _Rounds:
    """Questions about one prompt, one a round, and what the answers so far amount to."""

    def __init__(
        self,
        server: ComfyServer,
        prompt_id: UUID,
        make_graph: Callable[[], Graph],
        hints: Hints,
    ) -> None:
        self._server = server
        self._prompt_id = prompt_id
        self._make_graph = make_graph
        self._hints = hints
        self._nodes = 0
        self._reported = 0.0
        self._there = False
        self._absent = 0
        self._unanswered = 0
        self.state = State.SENT

    def ask(self) -> Finished | None:
        """One round; None while there is nothing to do but wait.

        A request that went unanswered may have arrived all the same. The next round begins with
        the question, so that nothing is sent twice without having been looked for.
        """
        try:
            found = self._find_or_submit()
        except BackendAway:
            self._unanswered += 1
            if self._unanswered >= TRIES:
                raise
            return None
        return self._conclude(found)

    def cancel(self) -> None:
        """Takes the prompt back, if the server can be reached."""
        with suppress(BackendAway):
            self._server.cancel(self._prompt_id)

    def report(self, on_progress: Callable[[float], None] | None) -> None:
        """Passes progress on when there was any."""
        fraction = self._hints.progress(self._nodes) if self._nodes else 0.0
        if on_progress is not None and fraction > self._reported:
            self._reported = fraction
            on_progress(fraction)

    def _find_or_submit(self) -> Found:
        found = self._server.find(self._prompt_id)
        if self._there or not isinstance(found, Unknown):
            return found
        try:
            self._submit()
        except InputMissing:
            # The server has lost an upload; by now its client has forgotten it too.
            self._submit()
        return Waiting()

    def _conclude(self, found: Found) -> Finished | None:
        """The pictures, if they are there; None while they may still come."""
        match found:
            case Finished(images=()):
                raise RenderFailed("the graph ran to its end and made no picture")
            case Finished():
                return found
            case Broken():
                raise self._failure(found)
            case Waiting():
                self._seen(State.WAITING)
            case Running():
                self._seen(State.RUNNING)
            case Unknown():
                self._missed()
        return None

    def _seen(self, state: State) -> None:
        self._there = True
        self._absent = 0
        self._unanswered = 0
        self.state = state

    def _missed(self) -> None:
        self._absent += 1
        if self._absent >= ROUNDS_TO_LOSE:
            raise RenderLost(
                f"ComfyUI at {self._server.url} no longer knows the prompt; it restarted or its "
                "queue was cleared"
            )

    def _submit(self) -> None:
        graph = self._make_graph()
        self._nodes = len(graph)
        self._server.submit(self._prompt_id, graph, self._hints.client_id)

    def _failure(self, broken: Broken) -> BackendAway | RenderFailed:
        match broken.cause:
            case Cause.DEVICE_LOST:
                return BackendAway(
                    f"ComfyUI at {self._server.url} lost its device and must be restarted: "
                    f"{broken.message}"
                )
            case Cause.OUT_OF_MEMORY:
                self._server.free()
            case Cause.ERROR | Cause.INTERRUPTED:
                pass
        return RenderFailed(broken.message)
