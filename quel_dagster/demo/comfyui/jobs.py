"""Prompts as `/api/jobs` shows them: one flat record each, whether waiting, running or ended.

Nothing here changes a prompt; it is read from the queue first and from the history second.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from quel_dagster.demo.comfyui.prompt_queue import Item, PromptQueue
from quel_dagster.demo.comfyui.wire import Json

STATUSES = ("pending", "in_progress", "completed", "failed", "cancelled")


class BadQuery(ValueError):
    """The query of `GET /api/jobs` makes no sense."""


def find(queue: PromptQueue, prompt_id: str) -> Json | None:
    """The whole record of a job, or None when the server does not know it."""
    for status, item in _live(queue):
        if item.prompt_id == prompt_id:
            return _waiting(item, status)
    entry = queue.history.get(prompt_id)
    return None if entry is None else {**_ended(entry), **_details(entry)}


def page(queue: PromptQueue, query: Mapping[str, str]) -> Json:
    """One page of jobs without their graphs, the newest first unless `sort_order` is `asc`.

    Raises:
        BadQuery: a status, limit or offset that does not exist.
    """
    wanted = query["status"].split(",") if query.get("status") else STATUSES
    if unknown := [status for status in wanted if status not in STATUSES]:
        raise BadQuery(f"Invalid status value(s): {', '.join(unknown)}")
    try:
        limit = int(query["limit"]) if "limit" in query else None
        offset = int(query.get("offset", "0"))
    except ValueError as error:
        raise BadQuery("limit and offset must be integers") from error
    jobs = [_waiting(item, status) for status, item in _live(queue)]
    jobs += [_ended(entry) for entry in queue.history.values()]
    jobs = [job for job in jobs if job["status"] in wanted]
    newest_first = query.get("sort_order", "desc") == "desc"
    jobs.sort(key=lambda job: cast("int", job["create_time"]), reverse=newest_first)
    end = len(jobs) if limit is None else offset + limit
    pagination = {
        "offset": offset,
        "limit": limit,
        "total": len(jobs),
        "has_more": end < len(jobs),
    }
    return {"jobs": jobs[offset:end], "pagination": pagination}


def _live(queue: PromptQueue) -> Iterator[tuple[str, Item]]:
    if queue.running is not None:
        yield "in_progress", queue.running
    for item in queue.pending:
        yield "pending", item


def _waiting(item: Item, status: str) -> Json:
    return {
        "id": item.prompt_id,
        "status": status,
        "priority": item.number,
        "create_time": item.extra_data["create_time"],
        "outputs_count": 0,
        "previewable_outputs_count": 0,
    }


def _messages(entry: Json) -> dict[str, Json]:
    status = cast("Json", entry["status"])
    return dict(cast("Sequence[tuple[str, Json]]", status["messages"]))


def _ended(entry: Json) -> Json:
    item = cast("Item", entry["prompt"])
    messages = _messages(entry)
    pictures = [
        {**picture, "nodeId": node_id, "mediaType": media}
        for node_id, output in cast("dict[str, dict[str, list[Json]]]", entry["outputs"]).items()
        for media, found in output.items()
        for picture in found
    ]
    status = "completed"
    if "execution_error" in messages:
        status = "failed"
    elif "execution_interrupted" in messages:
        status = "cancelled"
    times = [message["timestamp"] for message in messages.values()]
    shown = _waiting(item, status) | {
        "execution_start_time": times[0],
        "execution_end_time": times[-1],
        "outputs_count": len(pictures),
        "previewable_outputs_count": len(pictures),
    }
    if pictures:
        shown["preview_output"] = pictures[0]
    if status == "failed":
        shown["execution_error"] = messages["execution_error"]
    return shown


def _details(entry: Json) -> Json:
    item = cast("Item", entry["prompt"])
    return {
        "outputs": entry["outputs"],
        "execution_status": entry["status"],
        "workflow": {"prompt": item.graph, "extra_data": item.extra_data},
    }
