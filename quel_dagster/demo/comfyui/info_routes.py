"""What a client asks before it sends anything: versions, classes, models; and the websocket.

Prompts and files have modules of their own.
"""

import json
from typing import cast
from uuid import uuid4

from aiohttp import WSMsgType, web

from quel_dagster.demo.comfyui.faults import strike
from quel_dagster.demo.comfyui.hub import deliver
from quel_dagster.demo.comfyui.server import SERVER
from quel_dagster.demo.comfyui.wire import Json

VERSION = "0.33.0"
"""The ComfyUI whose behaviour this server has."""

CLOSE_SECONDS = 1.0
"""How long a websocket that is being closed waits for its client to agree."""

MEMORY = 16 * 2**30
MAX_UPLOAD = 100 * 2**20
FEATURES: Json = {
    "supports_preview_metadata": True,
    "supports_model_type_tags": True,
    "max_upload_size": MAX_UPLOAD,
    "extension": {"manager": {"supports_v4": True}},
    "node_replacements": True,
    "assets": False,
}


async def system_stats(request: web.Request) -> web.Response:
    """`GET /system_stats`: stays green whatever becomes of the executor, as on the real server."""
    system = {
        "os": "linux",
        "ram_total": MEMORY,
        "ram_free": MEMORY // 2,
        "comfyui_version": VERSION,
        "required_frontend_version": "1.48.7",
        "python_version": "3.11.7",
        "pytorch_version": "none: a stand-in draws",
        "embedded_python": False,
        "deploy_environment": "stand-in",
        "argv": ["main.py", "--cpu"],
    }
    device = {
        "name": request.app[SERVER].name,
        "type": "cpu",
        "index": None,
        "vram_total": MEMORY,
        "vram_free": MEMORY // 2,
        "torch_vram_total": MEMORY,
        "torch_vram_free": MEMORY // 2,
    }
    return web.json_response({"system": system, "devices": [device]})


async def object_info(request: web.Request) -> web.Response:
    """`GET /object_info[/{class}]`: every class or one; `{}` for one that is not installed."""
    server = request.app[SERVER]
    shown = server.catalogue.object_info(server.folders.inputs())
    name = request.match_info.get("name")
    if name is None:
        return web.json_response(shown)
    return web.json_response({name: shown[name]} if name in shown else {})


async def models(request: web.Request) -> web.Response:
    """`GET /models`: the folders."""
    return web.json_response(list(request.app[SERVER].catalogue.models))


async def models_in(request: web.Request) -> web.Response:
    """`GET /models/{folder}`: the files in one; 404 for an unknown folder."""
    found = request.app[SERVER].catalogue.models.get(request.match_info["folder"])
    return web.Response(status=404) if found is None else web.json_response(found)


async def features(_request: web.Request) -> web.Response:
    """`GET /features`."""
    return web.json_response(FEATURES)


async def websocket(request: web.Request) -> web.WebSocketResponse:
    """`GET /ws`: first a `status` with the client's id, then events as they come.

    A second websocket of the same id takes the first one's place, and loses it when the first one
    closes: the real server forgets by name too.
    """
    server = request.app[SERVER]
    socket = web.WebSocketResponse(timeout=CLOSE_SECONDS)
    await socket.prepare(request)
    client_id = request.query.get("clientId") or uuid4().hex
    await _say(socket, "status", {"status": server.status(), "sid": client_id})
    if not strike(server.switches.faults.silent_websocket):
        server.hub.sockets[client_id] = socket
        if node := server.executor.current_node(client_id):
            await _say(socket, "executing", {"node": node})
    try:
        first = True
        async for message in socket:
            if message.type is WSMsgType.TEXT and first and _asks_features(message.data):
                await _say(socket, "feature_flags", FEATURES)
            first = False
    finally:
        server.hub.sockets.pop(client_id, None)
    return socket


async def _say(socket: web.WebSocketResponse, kind: str, data: Json) -> None:
    await deliver(socket, json.dumps({"type": kind, "data": data}))


def _asks_features(text: str) -> bool:
    try:
        message = cast("object", json.loads(text))
    except ValueError:
        return False
    return isinstance(message, dict) and message.get("type") == "feature_flags"


ROUTES = (
    web.get("/system_stats", system_stats),
    web.get("/object_info", object_info),
    web.get("/object_info/{name}", object_info),
    web.get("/models", models),
    web.get("/models/{folder}", models_in),
    web.get("/features", features),
    web.get("/ws", websocket),
)
"""Also under `/api`."""
