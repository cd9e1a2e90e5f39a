"""`/api/jobs`: prompts as flat records, and the one cancel that cannot hit another prompt.

These routes exist under `/api` only, as on the real server.
"""

from typing import cast
from uuid import UUID

from aiohttp import web

from quel_dagster.demo.comfyui import jobs
from quel_dagster.demo.comfyui.server import SERVER, Server
from quel_dagster.demo.comfyui.wire import body


async def get_jobs(request: web.Request) -> web.Response:
    """`GET /api/jobs`: a page of jobs by status."""
    try:
        return web.json_response(jobs.page(request.app[SERVER].queue, request.query))
    except jobs.BadQuery as error:
        return web.json_response({"error": str(error)}, status=400)


async def get_job(request: web.Request) -> web.Response:
    """`GET /api/jobs/{id}`: one job, or 404."""
    job = jobs.find(request.app[SERVER].queue, request.match_info["job_id"])
    if job is None:
        return web.json_response({"error": "Job not found"}, status=404)
    return web.json_response(job)


async def cancel_job(request: web.Request) -> web.Response:
    """`POST /api/jobs/{id}/cancel`: whether there was something to cancel."""
    cancelled = _cancel(request.app[SERVER], request.match_info["job_id"])
    return web.json_response({"cancelled": cancelled})


async def cancel_jobs(request: web.Request) -> web.Response:
    """`POST /api/jobs/cancel`: several at once; whether any of them was cancelled."""
    given = (await body(request)).get("job_ids")
    if not isinstance(given, list):
        return web.json_response({"error": "job_ids must be a list"}, status=400)
    job_ids = [str(job_id) for job_id in cast("list[object]", given)]
    if invalid := [job_id for job_id in job_ids if not _is_uuid(job_id)]:
        answer = {"error": "job_ids contains invalid id(s)", "invalid_ids": invalid}
        return web.json_response(answer, status=400)
    cancelled = [_cancel(request.app[SERVER], job_id) for job_id in job_ids]
    return web.json_response({"cancelled": any(cancelled)})


def _cancel(server: Server, job_id: str) -> bool:
    return server.queue.delete(job_id) or server.executor.interrupt(job_id)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


ROUTES = (
    web.get("/api/jobs", get_jobs),
    web.get("/api/jobs/{job_id}", get_job),
    web.post("/api/jobs/cancel", cancel_jobs),
    web.post("/api/jobs/{job_id}/cancel", cancel_job),
)
