"""`GET /health`, `/ready` and `/metrics`: for whoever watches over the process and the paths."""

import anyio
from anyio import to_thread
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from quel_dagster.api.desk import Desk
from quel_dagster.api.metrics import Meter
from quel_dagster.api.orders import as_json
from quel_dagster.api.problems import RETRY_AFTER
from quel_dagster.api.shapes import Health, Ready
from quel_dagster.model.errors import Unavailable

OK, AWAY = "ok", "away"


class Watching:
    """The routes for watchers.

    Args:
        desk: of the application.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._place = desk.place
        self._meter = Meter(desk.place, desk.served)
        self._turn = anyio.Lock()

    def routes(self) -> list[Route]:
        """Where they are found."""
        return [
            Route("/health", self.health, methods=["GET"]),
            Route("/ready", self.ready, methods=["GET"]),
            Route("/metrics", self.metrics, methods=["GET"]),
        ]

    async def health(self, _request: Request) -> Response:
        """The process answers; nothing else is asked."""
        return as_json(Health(status=OK))

    async def ready(self, _request: Request) -> Response:
        """Whether it can serve: it needs PostgreSQL. Without Redis jobs only begin later."""
        postgres = await self._desk.ask(self._postgres)
        redis = await self._desk.ask(self._redis)
        if postgres == OK:
            return as_json(Ready(status="ready", postgres=postgres, redis=redis))
        away = Ready(status=AWAY, postgres=postgres, redis=redis)
        return as_json(away, 503, RETRY_AFTER)

    async def metrics(self, request: Request) -> Response:
        """The figures of this moment, one scrape at a time; in the text form that is asked for."""
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        async with self._turn:
            text = await to_thread.run_sync(lambda: encode(self._meter))
        return Response(text, media_type=content_type)

    def _postgres(self) -> str:
        try:
            self._place.store.counters.read()
        except Unavailable:
            return AWAY
        return OK

    def _redis(self) -> str:
        try:
            self._place.queue.lengths()
        except Unavailable:
            return AWAY
        return OK
