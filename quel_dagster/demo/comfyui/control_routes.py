"""The stand-in's own routes, which no ComfyUI has: its faults, and the log of what it executed."""

from aiohttp import web
from pydantic import ValidationError

from quel_dagster.demo.comfyui.faults import Faults
from quel_dagster.demo.comfyui.server import SERVER

PREFIX = "/stand-in"
"""No fault ever touches a route below this."""


async def get_faults(request: web.Request) -> web.Response:
    """`GET /stand-in/faults`: the switches that are on."""
    return web.json_response(request.app[SERVER].switches.faults.on())


async def post_faults(request: web.Request) -> web.Response:
    """`POST /stand-in/faults`: these switches are on from now, and no others."""
    try:
        faults = Faults.model_validate_json(await request.text())
    except ValidationError as error:
        return web.Response(status=400, text=str(error))
    request.app[SERVER].switches.faults = faults
    return web.json_response(faults.on())


async def get_log(request: web.Request) -> web.Response:
    """`GET /stand-in/log`: every prompt whose execution began, oldest first.

    Each has `prompt_id`, `filename_prefix`, `started` and `finished` (milliseconds; null while it
    runs), and `outcome`: running, success, cached (nothing ran), error or interrupted.
    """
    return web.json_response(request.app[SERVER].executor.log)


ROUTES = (
    web.get(f"{PREFIX}/faults", get_faults),
    web.post(f"{PREFIX}/faults", post_faults),
    web.get(f"{PREFIX}/log", get_log),
)
