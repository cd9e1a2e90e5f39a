"""`POST /api/jobs` and `GET /api/jobs/{id}`: orders are placed, and shown as they stand."""

import json
import re
from hashlib import sha256
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from quel_dagster.api.bodies import read_body, read_shape
from quel_dagster.api.checking import check
from quel_dagster.api.desk import Desk
from quel_dagster.api.problems import Problem
from quel_dagster.api.shapes import JobRow, NewOrder, Placed, Told
from quel_dagster.model.ordering import OrderKey

KEY = "Idempotency-Key"
KEY_FORM = re.compile(r"[\x21-\x7e]{1,255}")
MEGABYTE = 1024 * 1024


class Orders:
    """The routes of orders.

    Args:
        desk: of the application.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._place = desk.place

    def routes(self) -> list[Route]:
        """Where they are found."""
        return [
            Route("/api/jobs", self.post, methods=["POST"]),
            Route("/api/jobs/{job_id:uuid}", self.get, methods=["GET"]),
        ]

    async def post(self, request: Request) -> Response:
        """Places an order, or finds the one that was placed under the same key."""
        key = read_key(request)
        body = await read_body(request, self._place.settings.api.body_mb * MEGABYTE)
        placed = await self._desk.ask(lambda: self._take(body, key))
        where = {"Location": f"/api/jobs/{placed.job_id}"}
        return as_json(placed, 200 if placed.repeated else 201, where)

    async def get(self, request: Request) -> Response:
        """How a job stands."""
        job_id: UUID = request.path_params["job_id"]
        row = await self._desk.ask(lambda: self._place.orders.read(job_id))
        if row is None:
            raise HTTPException(404, f"there is no job {job_id}")
        return as_json(JobRow.model_validate(dict(row)))

    def _take(self, body: bytes, key: str | None) -> Placed:
        """Checks, writes and rings; in a thread, for the rows of a large order take a while."""
        order = read_shape(NewOrder, body)
        checked = check(order, self._desk.served, self._place.settings)
        job = checked.job
        placed = self._place.orders.place(job, order_key(key, order) if key else None)
        return Placed(
            job_id=placed.job_id,
            production_id=placed.production_id,
            path=checked.path,
            total_images=job.pictures,
            estimated_credits=job.pictures * self._place.settings.credits.price_per_image,
            repeated=placed.repeated,
            # A repeated order rings again: nobody knows whether the first one could.
            rung=self._desk.bell.ring(placed.job_id) is not None,
            warnings=list(checked.warnings),
        )


def read_key(request: Request) -> str | None:
    """The request's `Idempotency-Key`; None where it has none.

    Raises:
        Problem: it is none.
    """
    key = request.headers.get(KEY)
    if key is not None and not KEY_FORM.fullmatch(key):
        raise Problem(422, "expected 1 to 255 visible ASCII characters, no blanks", field=KEY)
    return key


def order_key(key: str, order: NewOrder) -> OrderKey:
    """The key with a hash of what was ordered: the same whatever the order of its fields."""
    return OrderKey(key=key, request=sha256(canonical(order)).hexdigest())


def canonical(order: NewOrder) -> bytes:
    """The order as one text that does not depend on how it was sent."""
    return json.dumps(order.model_dump(mode="json"), sort_keys=True).encode()


def as_json(told: Told, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer."""
    return Response(told.model_dump_json(), status, headers, "application/json")
