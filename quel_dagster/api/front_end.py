"""The calls that today's front end makes, answered in the words it knows.

`POST /enqueue` and `/api/enqueue` ring for a job whose rows it has written itself;
`POST /api/jobs/{id}/cancel` cancels one.
"""

import logging
from uuid import UUID

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from quel_dagster.api.bodies import read_body, read_shape
from quel_dagster.api.desk import Desk
from quel_dagster.api.orders import as_json
from quel_dagster.api.shapes import Cancelled, NotCancelled, Ring, Rung
from quel_dagster.intake.routing import plain
from quel_dagster.model.cancellation import Answer, Cancellation
from quel_dagster.model.errors import Unavailable
from quel_dagster.model.status import FINAL, JobStatus
from quel_dagster.pipeline.leftovers import take_back
from quel_dagster.services.queue import read_payload

LARGEST_RING = 4096
"""Bytes; a job id has 36."""

log = logging.getLogger(__name__)


class FrontEnd:
    """The routes of today's front end.

    Args:
        desk: of the application.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._place = desk.place

    def routes(self) -> list[Route]:
        """Where they are found."""
        return [
            Route("/enqueue", self.enqueue, methods=["POST"]),
            Route("/api/enqueue", self.enqueue, methods=["POST"]),
            Route("/api/jobs/{job_id:uuid}/cancel", self.cancel, methods=["POST"]),
        ]

    async def enqueue(self, request: Request) -> Response:
        """Rings for a job that waits; says of any other why not."""
        asked = read_shape(Ring, await read_body(request, LARGEST_RING)).job_id
        return as_json(await self._desk.ask(lambda: self._ring(asked)))

    async def cancel(self, request: Request) -> Response:
        """Cancels a job: its row, not a flag that somebody may read (W-61)."""
        job_id: UUID = request.path_params["job_id"]
        found = await self._desk.ask(lambda: self._cancel(job_id))
        if found.answer is Answer.UNKNOWN:
            return unknown(job_id)
        answer = as_json(in_words(job_id, found))
        if found.answer is Answer.CANCELLED and self._place.settings.comfyui.backends:
            answer.background = BackgroundTask(self._take_back, job_id)
        return answer

    def _ring(self, asked: str) -> Rung:
        job_id = read_payload(asked)
        row = self._place.orders.read(job_id) if job_id else None
        if job_id is None or row is None:
            return self._rung(asked, error="Job not found")
        status: JobStatus | None = row["job_status"]
        path = plain(row["quel_production_path"])
        if status in FINAL:
            return self._rung(asked, error=f"Job already {status}")
        if path in self._place.settings.worker.ignored_paths:
            return self._rung(asked, error=f"Path {path} is served elsewhere")
        if status is not JobStatus.PENDING:
            return self._rung(asked, message="Job is being worked on already")
        position = self._desk.bell.ring(job_id)
        if position is None:
            return self._rung(asked, message="Job waits and is found by its age")
        return self._rung(asked, message="Job enqueued", position=position)

    def _rung(self, asked: str, *, message: str = "", error: str = "", position: int = 0) -> Rung:
        return Rung(
            success=not error,
            message=message or "Job was not enqueued",
            error=error,
            job_id=asked,
            queue=self._place.settings.worker.redis.queue_names[0],
            queuePosition=position,
        )

    def _cancel(self, job_id: UUID) -> Cancellation:
        found = self._place.store.cancel(job_id)
        if found.answer is Answer.ELSEWHERE:
            self._place.queue.flag_cancel(job_id)
        return found

    def _take_back(self, job_id: UUID) -> None:
        """What a dead attempt left on ComfyUI; the caller does not wait for it."""
        try:
            take_back(self._place.store, self._place.backends, job_id)
        except Unavailable as error:
            log.warning("what job %s left on ComfyUI was not taken back: %s", job_id, error)


def in_words(job_id: UUID, found: Cancellation) -> Cancelled | NotCancelled:
    """The documented answer: `success` when the job is cancelled or will be."""
    if not found.is_heeded or found.answer is Answer.FINAL:
        return NotCancelled(
            message=f"Job already {found.status}",
            job_status=found.status,
            completed_images=found.delivered,
        )
    stopping = found.answer is not Answer.CANCELLED
    return Cancelled(
        message="Job stops before its next picture" if stopping else "Job cancelled",
        job_id=job_id,
        current_status=found.status,
        completed_images=found.delivered,
        total_images=found.ordered,
    )


def unknown(job_id: UUID) -> JSONResponse:
    """404 in the words of both: the front end's and ours."""
    message = f"there is no job {job_id}"
    error = {"field": "job_id", "message": message}
    return JSONResponse({"success": False, "message": message, "error": error}, 404)
