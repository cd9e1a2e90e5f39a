"""Orders whose life a test interferes with: when something happens, and what came of it."""

import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID, uuid4

import dagster as dg
import httpx
import sqlalchemy as sa

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.demo.front_end import NewOrder
from quel_dagster.model.job import Job, Picture
from quel_dagster.services.comfyui.found import Broken, Finished, Found
from quel_dagster.services.comfyui.server import ComfyServer
from quel_dagster.services.tables import ledger, slot
from quel_dagster_tests.house import House
from quel_dagster_tests.services.comfyui.graphs import painting

Build = Callable[..., House]
"""Makes a house of a budget, servers and a deadline; see the fixture `build`."""
PATIENCE = 30.0
"""Seconds for a moment to come."""


def order(house: House, pictures: int = 1) -> UUID:
    """A fashion order from a customer who can pay; rung for."""
    document = {
        "basePrompt": "linen suit",
        "aspect-ratio": "1:1",
        "combinations": [{"angle": "front", "shot": "full", "quantity": pictures}],
    }
    placed = NewOrder(
        path="fashion", input=document, payer=house.customers.person, total_images=pictures
    )
    return house.front_end.place(placed)


def eventually(condition: Callable[[], bool]) -> None:
    """Waits for what tells nobody that it has come."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "the moment did not come"
        time.sleep(0.05)


@contextmanager
def once(condition: Callable[[], bool], act: Callable[[], object]) -> Generator[None]:
    """Acts, on a thread of its own, as soon as the condition holds, while the block runs."""
    with ThreadPoolExecutor(1) as thread:

        def wait_and_act() -> None:
            eventually(condition)
            act()

        acted = thread.submit(wait_and_act)
        yield
        acted.result()


def after_delivery(house: House, number: int, act: Callable[[], object]) -> None:
    """Acts when a slot was delivered, before its run goes on."""
    store = house.environment.store
    deliver = store.deliver

    def delivered(job: Job, picture: Picture) -> None:
        deliver(job, picture)
        if picture.slot == number:
            act()

    store.deliver = delivered


def is_rendering(
    comfyui: ComfyUIProcess, job_id: UUID, number: int | None = None
) -> Callable[[], bool]:
    """Whether the server is at a picture of the job, or at one of them."""
    slot = "" if number is None else f"{number:03}-"
    return lambda: any(
        entry["outcome"] == "running" and f"{job_id}/{slot}" in str(entry["filename_prefix"])
        for entry in comfyui.log()
    )


def is_queued(comfyui: ComfyUIProcess, job_id: UUID) -> Callable[[], bool]:
    """Whether a prompt of the job waits on the server."""

    def waits() -> bool:
        answer = httpx.get(f"{comfyui.url}/queue", trust_env=False).json()
        return str(job_id) in str(answer["queue_pending"])

    return waits


def renders(comfyui: ComfyUIProcess, job_id: UUID) -> list[str]:
    """How each prompt of a job ended that the server began to execute, in order."""

    def outcomes() -> list[str]:
        entries = (each for each in comfyui.log() if str(job_id) in str(each["filename_prefix"]))
        return [str(entry["outcome"]) for entry in entries]

    eventually(lambda: "running" not in outcomes())
    return outcomes()


def slots(house: House, job_id: UUID) -> list[sa.RowMapping]:
    """The job's slots in order."""
    with house.environment.engine.connect() as connection:
        found = sa.select(slot).where(slot.c.job_id == job_id).order_by(slot.c.slot)
        return list(connection.execute(found).mappings())


def charged(house: House, job_id: UUID) -> int:
    """Credits that the job has cost."""
    photo = house.row(job_id)["production_id"]
    with house.environment.engine.connect() as connection:
        total = sa.select(sa.func.coalesce(-sa.func.sum(ledger.c.amount), 0))
        return connection.execute(total.where(ledger.c.production_idx == photo)).scalar_one()


def logged(house: House) -> list[str]:
    """Our own lines of every run, without path and job in front."""
    return [
        entry.user_message.partition(": ")[2]
        for run in reversed(house.instance.get_runs())
        for entry in house.instance.all_logs(run.run_id)
        if not entry.is_dagster_event
    ]


def ends(house: House, job_id: UUID) -> tuple[str, int, int, int]:
    """Status, pictures delivered and missing, credits charged."""
    row = house.row(job_id)
    counts = row["completed_images"], row["failed_images"]
    return row["job_status"], *counts, charged(house, job_id)


def decisions(house: House) -> list[str]:
    """The log lines that tell what is left of the budget."""
    return [line for line in logged(house) if "left to the job" in line]


def serve_again(house: House, job_id: UUID) -> list[dg.DagsterRun]:
    """The next attempt, once the pause before it is over."""
    runs: list[dg.DagsterRun] = []
    while not runs:
        house.environment.queue.ring(job_id)
        runs = house.serve()
    return runs


class Stranger:
    """Somebody else who uses the same ComfyUI server."""

    def __init__(self, server: ComfyServer) -> None:
        self._server = server
        self._prompt_id = uuid4()

    def submit(self) -> None:
        self._server.submit(self._prompt_id, painting(), "somebody else")

    def gets_a_picture(self) -> bool:
        """Whether the prompt runs to its end."""
        eventually(lambda: isinstance(self._found(), Finished | Broken))
        return isinstance(self._found(), Finished)

    def _found(self) -> Found:
        return self._server.find(self._prompt_id)
