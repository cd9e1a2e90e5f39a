"""The web application and its life: routes, faults of HTTP, start and stop.

What a route answers stands in the modules of routes.
"""

import asyncio
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from quel_dagster.demo.comfyui import (
    control_routes,
    file_routes,
    info_routes,
    job_routes,
    prompt_routes,
)
from quel_dagster.demo.comfyui.faults import strike
from quel_dagster.demo.comfyui.server import SERVER, Server

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build(server: Server) -> web.Application:
    """The application of one server."""
    app = web.Application(client_max_size=info_routes.MAX_UPLOAD, middlewares=[misbehave])
    app[SERVER] = server
    for route in (*prompt_routes.ROUTES, *file_routes.ROUTES, *info_routes.ROUTES):
        app.router.add_route(route.method, route.path, route.handler)
        app.router.add_route(route.method, f"/api{route.path}", route.handler)
    app.add_routes([*job_routes.ROUTES, *control_routes.ROUTES])
    return app


@web.middleware
async def misbehave(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let the faults of HTTP strike before a request is carried out."""
    path = request.path
    faults = request.app[SERVER].switches.faults
    if path.startswith(control_routes.PREFIX):
        return await handler(request)
    if slow := strike(faults.slow_answers, path):
        await asyncio.sleep(slow.seconds)
    if strike(faults.drop_connections, path):
        if request.transport is not None:
            request.transport.abort()
        return web.Response()
    if broken := strike(faults.http_error, path):
        return web.Response(status=broken.status, text="the stand-in was told to fail")
    return await handler(request)


async def serve(server: Server, host: str, port: int, *, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; what runs or waits then is lost, as on the real server.

    Args:
        server: the parts.
        host: the address to listen at.
        port: 0 lets the system choose one.
        ready: told the address as soon as requests are answered.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with listening(server, host, port) as address, asyncio.TaskGroup() as tasks:
        workers = [tasks.create_task(server.executor.work()), tasks.create_task(server.hub.write())]
        ready(address)
        await stop.wait()
        for worker in workers:
            worker.cancel()


@asynccontextmanager
async def listening(server: Server, host: str, port: int) -> AsyncGenerator[str]:
    """A running HTTP server; yields its address."""
    # A client that gives up ends its handler, so that a dropped reply is not kept for ever.
    runner = web.AppRunner(
        build(server), access_log=None, handler_cancellation=True, shutdown_timeout=1
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        bound = runner.addresses[0]
        yield f"http://{bound[0]}:{bound[1]}"
    finally:
        await server.hub.close()
        await runner.cleanup()
