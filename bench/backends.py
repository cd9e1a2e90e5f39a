"""How busy four ComfyUI servers are kept: 17 pictures of 5 seconds, also when one of them dies.

Prints a table, writes .quel/bench/backends.json, and ends with 1 where a target is missed. Times
are the servers' own. The ideal is what so many pictures on so many servers allow: 17 on 4 take five
rounds, three idle in the last one.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import click
import httpx
import sqlalchemy as sa
from results import Target, console, folder, judge, keep
from rich.table import Table

from quel_dagster.demo.front_end import FrontEnd, NewOrder
from quel_dagster.demo.samples import move_in
from quel_dagster.demo.stack import Options, Stack
from quel_dagster.environment import Environment
from quel_dagster.model.status import FINAL, SlotState
from quel_dagster.services.tables import job, slot

LEAST_BUSY = 0.95
LEAST_BUSY_OF_REST = 0.9
"""Shares of the ideal; the second one where a server was killed, of those that were left."""
PATIENCE = 300.0
SERVERS = 4

Figures = dict[str, float | str]
Spans = Mapping[str, Sequence[tuple[float, float]]]


@dataclass(frozen=True, kw_only=True)
class House:
    """A running stack and its clients."""

    stack: Stack
    place: Environment


@click.command()
@click.option("--slots", default=17, show_default=True, help="Pictures of the order.")
@click.option("--seconds", default=5.0, show_default=True, help="Time of one render.")
def main(slots: int, seconds: float) -> None:
    """Places one order, and then one during which a server is killed half-way."""
    options = Options(renderers=SERVERS, seconds=seconds)
    with folder() as home, Stack(home, options) as stack:
        place = Environment(stack.environ)
        house = House(stack=stack, place=place)
        customer = move_in(place.engine, place.storage).person
        document = {
            "basePrompt": "a linen suit",
            "aspect-ratio": "1:1",
            "combinations": [{"angle": "front", "shot": "full", "quantity": slots}],
        }
        order = NewOrder(path="fashion", input=document, payer=customer, total_images=slots)
        figures = {
            "alive": series(house, order, lambda: None),
            "one_killed": series(house, order, lambda: stack.kill("comfyui-1"), rest_from=1),
        }
        place.close()
    keep("backends", figures)
    show(figures, f"{slots} pictures of {seconds:g} s on {SERVERS} servers")
    judge(*targets(figures))


def targets(figures: Mapping[str, Figures]) -> Iterator[Target]:
    """What the figures are judged by."""
    for name, least in (("alive", LEAST_BUSY), ("one_killed", LEAST_BUSY_OF_REST)):
        found, words = figures[name], name.replace("_", " ")
        yield Target(
            name=f"busy, of the ideal, {words}", value=float(found["of_ideal"]), least=least
        )
        yield Target(name=f"pictures lost, {words}", value=float(found["lost"]), most=0)


def series(
    house: House, order: NewOrder, half_way: Callable[[], None], rest_from: int = 0
) -> Figures:
    """One order; how busy the servers from that number on were between their first and last."""
    engine = house.place.engine
    urls = house.stack.comfyui
    before = {url: len(log_of(url)) for url in urls}
    job_id = FrontEnd(engine, house.place.queue).place(order)
    until(lambda: delivered(engine, job_id) >= order.total_images // 2)
    half_way()
    until(lambda: status(engine, job_id) in FINAL)
    spans = {url: spans_of(url)[before[url] :] for url in urls[rest_from:]}
    return {
        "status": status(engine, job_id),
        "lost": order.total_images - delivered(engine, job_id),
        **shares(spans),
    }


def shares(spans: Spans) -> Figures:
    """Seconds at work over the time from first to last, and that as a share of the ideal.

    Renders are not all of one length; where luck has packed them better, the share is 1.
    """
    whole = [span for each in spans.values() for span in each]
    seconds = max(end for _, end in whole) - min(begin for begin, _ in whole)
    busy = sum(end - begin for begin, end in whole) / (seconds * len(spans))
    ideal = len(whole) / (len(spans) * math.ceil(len(whole) / len(spans)))
    return {
        "seconds": round(seconds, 2),
        "busy": round(busy, 4),
        "ideal": round(ideal, 4),
        "of_ideal": round(busy / ideal, 4),
    }


def spans_of(url: str) -> list[tuple[float, float]]:
    """When each render of a server began and ended."""
    entries = log_of(url)
    return [(float(each["started"]) / 1000, float(each["finished"]) / 1000) for each in entries]


def log_of(url: str) -> list[dict[str, float]]:
    """What a stand-in has rendered."""
    return httpx.get(f"{url}/stand-in/log", trust_env=False).raise_for_status().json()


def delivered(engine: sa.Engine, job_id: UUID) -> int:
    """Pictures that the customer has."""
    has = (slot.c.job_id == job_id) & (slot.c.state == SlotState.DELIVERED)
    with engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).where(has)).scalar_one()


def status(engine: sa.Engine, job_id: UUID) -> str:
    """Of the order."""
    with engine.connect() as connection:
        this = sa.select(job.c.job_status).where(job.c.job_id == job_id)
        return connection.execute(this).scalar_one()


def until(condition: Callable[[], bool]) -> None:
    """Waits for what tells nobody that it has come."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise click.ClickException(f"the order was not final after {PATIENCE:g} s")
        time.sleep(0.1)


def show(figures: Mapping[str, Figures], title: str) -> None:
    """The same for a person."""
    columns = list(next(iter(figures.values())))
    table = Table("servers", *(name.replace("_", " ") for name in columns), title=title)
    for name, row in figures.items():
        table.add_row(name.replace("_", " "), *(str(row[column]) for column in columns))
    console().print(table)


if __name__ == "__main__":
    main()
