"""Submitting a prompt, and looking after the queue and the history.

`/api/jobs` tells of the same prompts in another form and has a module of its own.
"""

import asyncio
import json
from collections.abc import Collection
from typing import cast
from uuid import UUID, uuid4

from aiohttp import web

from quel_dagster.demo.comfyui import graph, recipe
from quel_dagster.demo.comfyui.faults import strike
from quel_dagster.demo.comfyui.problems import problem
from quel_dagster.demo.comfyui.prompt_queue import Item
from quel_dagster.demo.comfyui.server import SERVER, Server
from quel_dagster.demo.comfyui.validation import judge
from quel_dagster.demo.comfyui.wire import Json, body, now, trouble


class Refused(Exception):
    """The prompt is answered with 400."""

    def __init__(self, error: Json, node_errors: Json | None = None) -> None:
        super().__init__(str(error["message"]))
        self.answer = {"error": error, "node_errors": node_errors or {}}


async def post_prompt(request: web.Request) -> web.Response:
    """`POST /prompt`: validate and queue. 200 may carry `node_errors`: those outputs fell out."""
    server = request.app[SERVER]
    asked = await body(request)
    number = _number(server, asked)
    try:
        item, node_errors = _accept(server, asked, number)
    except Refused as refused:
        return web.json_response(refused.answer, status=400)
    except graph.NotAGraph as error:
        raise trouble() from error
    try:
        server.queue.put(item)
    except TypeError as error:
        raise trouble() from error
    if strike(server.switches.faults.drop_prompt_reply, _prefix(item)):
        await asyncio.Event().wait()
    answer = {"prompt_id": item.prompt_id, "number": number, "node_errors": node_errors}
    return web.json_response(answer)


def _number(server: Server, asked: Json) -> float:
    """The prompt's place in the queue; the counter moves for refused prompts too."""
    if "number" in asked:
        try:
            return float(cast("str", asked["number"]))
        except (TypeError, ValueError) as error:
            raise trouble() from error
    number = server.number
    server.number += 1
    return -number if asked.get("front") else number


def _accept(server: Server, asked: Json, number: float) -> tuple[Item, Json]:
    """The prompt as it is queued, and what was wrong with the outputs it lost.

    Raises:
        Refused: it will not run at all.
        NotAGraph: it is not a graph.
    """
    if "prompt" not in asked:
        raise Refused(problem("no_prompt", "No prompt provided", "No prompt provided"))
    prompt_id = _prompt_id(asked)
    nodes = graph.parse(asked["prompt"])
    targets = cast("Collection[str] | None", asked.get("partial_execution_targets"))
    verdict = judge(
        nodes, server.catalogue, lambda n: server.folders.loadable(n) is not None, targets
    )
    if verdict.error is not None:
        raise Refused(verdict.error, verdict.node_errors)
    extra = dict(cast("Json", asked.get("extra_data", {})))
    if "client_id" in asked:
        extra["client_id"] = asked["client_id"]
    extra["create_time"] = now()
    item = Item(number, prompt_id, nodes, extra, verdict.outputs)
    if strike(server.switches.faults.refuse_prompts, _prefix(item)):
        raise Refused(problem("stand_in_fault", "The stand-in was told to refuse this prompt", ""))
    return item, verdict.node_errors


def _prefix(item: Item) -> str:
    return recipe.prefix(item.graph, item.outputs)


def _prompt_id(asked: Json) -> str:
    """The client's id, or one of ours.

    Raises:
        Refused: the client's is no canonical lowercase UUID.
    """
    given = asked.get("prompt_id")
    if given is None:
        return str(uuid4())
    try:
        canonical = str(UUID(str(given)))
    except ValueError:
        canonical = ""
    if not canonical or given != canonical:
        details = (
            "prompt_id must be a UUID string in canonical lowercase hyphenated form;"
            " omit it to let the server generate one"
        )
        raise Refused(problem("invalid_prompt_id", "prompt_id must be a valid UUID", details))
    return canonical


async def get_prompt(request: web.Request) -> web.Response:
    """`GET /prompt`: how many prompts wait and run."""
    return web.json_response(request.app[SERVER].status())


async def get_queue(request: web.Request) -> web.Response:
    """`GET /queue`: the running prompt and the waiting ones, as the heap lies."""
    queue = request.app[SERVER].queue
    running = [queue.running] if queue.running is not None else []
    return web.json_response({"queue_running": running, "queue_pending": queue.pending})


async def post_queue(request: web.Request) -> web.Response:
    """`POST /queue`: drop waiting prompts by id, or all of them."""
    queue = request.app[SERVER].queue
    asked = await body(request)
    if asked.get("clear"):
        queue.clear()
    for prompt_id in cast("list[str]", asked.get("delete", [])):
        queue.delete(prompt_id)
    return web.Response()


async def get_history(request: web.Request) -> web.Response:
    """`GET /history`: ended prompts, oldest first."""
    try:
        bounds = {n: int(request.query[n]) for n in ("max_items", "offset") if n in request.query}
    except ValueError as error:
        raise trouble() from error
    return web.json_response(request.app[SERVER].queue.past(**bounds))


async def get_history_entry(request: web.Request) -> web.Response:
    """`GET /history/{id}`: the entry, or `{}` for a prompt that waits, runs or never was."""
    prompt_id = request.match_info["prompt_id"]
    history = request.app[SERVER].queue.history
    return web.json_response({prompt_id: history[prompt_id]} if prompt_id in history else {})


async def post_history(request: web.Request) -> web.Response:
    """`POST /history`: forget ended prompts by id, or all of them."""
    history = request.app[SERVER].queue.history
    asked = await body(request)
    if asked.get("clear"):
        history.clear()
    for prompt_id in cast("list[str]", asked.get("delete", [])):
        history.pop(prompt_id, None)
    return web.Response()


async def post_interrupt(request: web.Request) -> web.Response:
    """`POST /interrupt`: stop the running prompt, with a `prompt_id` only if it is that one."""
    try:
        asked = cast("object", json.loads(await request.text() or "{}"))
    except ValueError:
        asked = {}
    prompt_id = cast("Json", asked).get("prompt_id") if isinstance(asked, dict) else None
    request.app[SERVER].executor.interrupt(None if prompt_id is None else str(prompt_id))
    return web.Response()


async def post_free(request: web.Request) -> web.Response:
    """`POST /free`: `free_memory` forgets what earlier prompts left; no model is ever loaded."""
    if (await body(request)).get("free_memory"):
        request.app[SERVER].executor.cache.clear()
    return web.Response()


ROUTES = (
    web.post("/prompt", post_prompt),
    web.get("/prompt", get_prompt),
    web.post("/queue", post_queue),
    web.get("/queue", get_queue),
    web.get("/history", get_history),
    web.get("/history/{prompt_id}", get_history_entry),
    web.post("/history", post_history),
    web.post("/interrupt", post_interrupt),
    web.post("/free", post_free),
)
"""Also under `/api`."""
