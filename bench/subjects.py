"""What executes runs in the benches: ours, stock Dagster, and one warm process.

All three have the same orders, graphs, services and settings of ours.
"""

import json
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import dagster as dg
import psutil
import yaml

from quel_dagster import categories
from quel_dagster.definitions import defs
from quel_dagster.demo import dagster
from quel_dagster.demo.front_end import NewOrder
from quel_dagster.demo.samples import new_payers
from quel_dagster.demo.stack import Options, Stack
from quel_dagster.demo.supervisor import Supervisor
from quel_dagster.environment import Environment, shipped_config
from quel_dagster.intake.tick import Tick
from quel_dagster.model.job import Payer

ROOM = 25
"""Runs of a path at once: no limit of ours is what is measured."""
CUSTOMERS = 50
API_PORT = 8000
"""Or the next free one."""
THUMBNAIL: dict[str, object] = {"upscale_method": "area", "width": 64, "height": 64}
"""Makes a picture small, so that next to nothing of what is measured is drawing and encoding."""

STOCK = """\
storage: {postgres: {postgres_url: {env: QUEL_DAGSTER_DATABASE_URL}}}
telemetry: {enabled: false}
"""
"""Everything else as Dagster has it: its launcher, queue, sensors and captured output."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Something that executes orders.

    Attributes:
        place: its services.
        orders: what is ordered.
        serve: does what the daemon does not do by itself; called until all orders are final.
        process_ids: of its parts, by name.
        has_runs: whether Dagster keeps a run for each order.
    """

    place: Environment
    orders: Iterator[NewOrder]
    serve: Callable[[], object] = lambda: None
    process_ids: dict[str, int] = field(default_factory=dict[str, int])
    has_runs: bool = True

    def cpu(self) -> dict[str, float]:
        """Seconds of CPU that each part has used so far, with all processes it ever started."""
        return {name: sum(seconds(pid)) for name, pid in self.process_ids.items()}


def seconds(pid: int) -> Iterator[float]:
    """Of a process, of those it has waited for, and of those it has now."""
    process = psutil.Process(pid)
    for each in [process, *process.children(recursive=True)]:
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        yield times.user + times.system + times.children_user + times.children_system


@contextmanager
def ours(home: Path, *, dispatch: bool = True) -> Generator[Subject]:
    """As `quel up` runs it, or without its second door."""
    options = Options(seconds=0.0, dispatch=dispatch, api_port=API_PORT)
    with services(home, options) as (stack, subject):
        yield subject(process_ids=stack.parts)


@contextmanager
def stock(home: Path) -> Generator[Subject]:
    """The same definitions in a Dagster that nobody has tuned."""
    with services(home) as (stack, subject), Supervisor(home / "stock") as supervisor:
        ui, code = supervisor.port(), supervisor.port()
        workspace = dagster.write_home(home / "stock" / "dagster", code)
        (workspace.parent / "dagster.yaml").write_text(STOCK)
        environ = {**subject().place.variables, "DAGSTER_HOME": str(workspace.parent)}
        module = "quel_dagster.definitions"
        supervisor.start(dagster.code_server_part(code, module, environ))
        supervisor.start(
            dagster.webserver_part(ui, workspace, environ),
            dagster.daemon_part(ui, workspace, environ),
        )
        yield subject(process_ids={**stack.parts, **supervisor.process_ids})


@contextmanager
def floor(home: Path) -> Generator[Subject]:
    """One warm process that lets jobs in and executes their runs, one after the other."""
    with ExitStack() as exits:
        stack, subject = exits.enter_context(services(home))
        folder = home / "floor"
        dagster.write_home(folder, 0)
        place = subject().place
        os.environ.update(place.variables)
        instance = exits.enter_context(dg.DagsterInstance.from_config(str(folder)))
        by_path = {category.path: category for category in categories.load()}
        repository = defs().get_repository_def()
        log = dg.get_dagster_logger()
        limits = dict.fromkeys(by_path, ROOM)
        tick = Tick(place.queue, place.store, place.settings.worker, lambda: limits, log)

        file = exits.enter_context((folder / "log").open("w"))

        def serve() -> None:
            with redirect_stderr(file):  # a worker's words go into a file too
                for found in tick.let_in():
                    request = by_path[found.path].run_request(found)
                    repository.get_job(found.path).execute_in_process(
                        run_config=request.run_config,
                        tags=dict(request.tags),
                        instance=instance,
                        raise_on_error=False,
                    )

        yield subject(serve=serve, process_ids={**stack.parts, "floor": os.getpid()})


@contextmanager
def services(
    home: Path, options: Options | None = None
) -> Generator[tuple[Stack, Callable[..., Subject]]]:
    """PostgreSQL, Redis, S3 and two ComfyUI stand-ins that render at once, and customers."""
    os.environ["QUEL_CONFIG"] = str(write_settings(home))  # for the children
    with ExitStack() as exits:
        options = options or Options(seconds=0.0, with_dagster=False)
        stack = exits.enter_context(Stack(home, options))
        place = Environment({**stack.environ, "QUEL_CONFIG": os.environ["QUEL_CONFIG"]})
        exits.callback(place.close)
        with place.engine.begin() as tx:
            payers = [new_payers(tx, f"customer {number}")[0] for number in range(CUSTOMERS)]

        def subject(**changes: object) -> Subject:
            return Subject(place=place, orders=orders(payers), **changes)  # pyright: ignore[reportArgumentType] - named by the callers above

        yield stack, subject


def orders(payers: Sequence[Payer]) -> Iterator[NewOrder]:
    """One order after the other, of one customer after the other: they do not wait for each other.

    A customer's own orders do, for each picture's charge.
    """
    document = {"basePrompt": "a linen suit", "aspect-ratio": "1:1"}
    for payer in cycle(payers):
        yield NewOrder(path="fashion", input=document, payer=payer)


def write_settings(home: Path) -> Path:
    """The shipped settings with room for all, and a workflow whose picture is a thumbnail."""
    home.mkdir(parents=True, exist_ok=True)
    shipped = next(each for each in categories.load() if each.path == "fashion").workflow
    graph = json.loads(shipped.read_text())
    output = next(node for node in graph.values() if node["_meta"]["title"] == "output")
    graph["thumbnail"] = {
        "class_type": "ImageScale",
        "inputs": {**THUMBNAIL, "crop": "disabled", "image": output["inputs"]["images"]},
        "_meta": {"title": "thumbnail"},
    }
    output["inputs"]["images"] = ["thumbnail", 0]
    workflow = home / "thumbnail.json"
    workflow.write_text(json.dumps(graph))
    settings = yaml.safe_load(shipped_config().read_text())
    settings["worker"]["modules"] = {"fashion": {"max_workers": ROOM, "workflow": str(workflow)}}
    file = home / "config.yaml"
    file.write_text(yaml.safe_dump(settings))
    return file
