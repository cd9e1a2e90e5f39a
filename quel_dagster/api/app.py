"""The application: routes, guard and errors put together."""

from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from functools import cache

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from quel_dagster.api import openapi, page
from quel_dagster.api.desk import Desk
from quel_dagster.api.front_end import FrontEnd
from quel_dagster.api.guard import Guard
from quel_dagster.api.orders import KEY, Orders
from quel_dagster.api.problems import HANDLERS
from quel_dagster.api.watching import Watching
from quel_dagster.environment import Environment

NOTHING_FROM_OUTSIDE = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}


def build(place: Environment, served: Collection[str]) -> Starlette:
    """The application.

    Args:
        place: the clients, closed when the application ends.
        served: the paths that have a category.
    """
    desk = Desk(place, served)
    origins = place.settings.api.cors_origins
    cors = Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=("GET", "POST"),
        allow_headers=("Authorization", "Content-Type", KEY),
        expose_headers=("Location", "Retry-After"),
    )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        yield
        place.close()

    app = Starlette(
        routes=[
            *Orders(desk).routes(),
            *FrontEnd(desk).routes(),
            *Watching(desk).routes(),
            Route("/openapi.json", show_document, methods=["GET"]),
            Route("/docs", show_page, methods=["GET"]),
        ],
        middleware=[cors, Middleware(Guard, token=place.api_token, origins=origins)],
        exception_handlers=HANDLERS,
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


async def show_document(_request: Request) -> Response:
    """The OpenAPI document."""
    return JSONResponse(document())


async def show_page(_request: Request) -> Response:
    """The same for people."""
    return HTMLResponse(rendered_page(), headers=NOTHING_FROM_OUTSIDE)


document = cache(openapi.document)
rendered_page = cache(page.render)
