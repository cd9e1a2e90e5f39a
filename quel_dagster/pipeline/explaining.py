"""What will be sent for an order, picture by picture, worked out without sending anything.

Pure values, for `quel explain` and the log of a run; how they read as text stands in `telling`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from quel_dagster.model.errors import ConfigurationError, InvalidJob
from quel_dagster.model.job import Job, JobRow, Order
from quel_dagster.model.parsing import parse
from quel_dagster.model.retouch import Attached, Embedded, Retouch, Source, Stored
from quel_dagster.model.settings import Settings
from quel_dagster.model.spec import Plan, Sheet, Spec
from quel_dagster.pipeline.workflow import Workflow

Keys = Mapping[int, str]
"""Where references lie in storage, by their `quel_attach` id."""

MASK = "mask"
"""The title of the node that loads a mask."""

Planner = Callable[[Job, Settings], Plan]
"""What to render for a job. Pure; raises `InvalidJob` where the category cannot serve the order."""


@dataclass(frozen=True, kw_only=True)
class Supplied:
    """A picture that the customer supplied.

    Attributes:
        attach_id: its `quel_attach` id; None for one that has no row of its own.
        shows: what the order says it shows; empty where it says nothing.
        place: where it lies: its key in storage, or the order's field that holds it; empty where
            it is missing.
    """

    attach_id: int | None = None
    shows: str = ""
    place: str = ""


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A picture that goes to ComfyUI with the words, made of one or several supplied ones.

    Attributes:
        title: of the node that loads it, such as `reference 1`.
        role: what it is to the picture that is made.
    """

    title: str
    role: str
    supplied: tuple[Supplied, ...]

    @property
    def name(self) -> str:
        """Stands in a graph for the name of the file, which is known when it is uploaded."""
        return f"<{self.role}>"


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One picture as it was ordered, and as it is asked for.

    Attributes:
        sent: the pictures that go along.
        graph: what is posted to ComfyUI; empty where it cannot be.
        nodes: how many nodes the workflow has; the graph has as many or fewer.
        problem: why the workflow cannot make this picture; empty where it can.
    """

    order: Order
    spec: Spec
    sent: tuple[Sent, ...]
    graph: Mapping[str, object]
    workflow: Path
    nodes: int = 0
    problem: str = ""

    @property
    def likeness(self) -> "Planned":
        """The same without what tells it from those that only differ in their seed."""
        order = replace(self.order, slot=0, copy=0)
        return replace(self, order=order, spec=replace(self.spec, slot=0, seed=0), graph={})


@dataclass(frozen=True, kw_only=True)
class Understood:
    """How far an order was understood: its job, what is made of it, and what is wrong with it."""

    job: Job | None = None
    plan: Plan | None = None
    refusals: tuple[InvalidJob, ...] = ()


def understand(row: JobRow, planner: Planner, settings: Settings) -> Understood:
    """Reads an order as its run would.

    Args:
        row: on the path that serves it.
        planner: of that path's category.
        settings: limits, own workflows, public addresses.
    """
    try:
        job = parse(row, settings.worker.limits, settings.storage.public_urls)
    except InvalidJob as error:
        return Understood(refusals=(error,))
    try:
        return Understood(job=job, plan=planner(job, settings))
    except InvalidJob as error:
        refusals = tuple(_refusals(job, planner, settings))
        return Understood(job=job, refusals=refusals or (error,))


def _refusals(job: Job, planner: Planner, settings: Settings) -> Iterable[InvalidJob]:
    """What is wrong with each picture, where several have the same fault once."""
    found: dict[str, InvalidJob] = {}
    for order in job.orders:
        try:
            planner(replace(job, orders=(order,)), settings)
        except InvalidJob as error:
            found.setdefault(str(error), error)
    return found.values()


def picture_by_picture(job: Job, plan: Plan, settings: Settings, keys: Keys) -> list[Planned]:
    """Every picture of a job, in slot order."""
    orders = {order.slot: order for order in job.orders}
    bare = [
        Planned(
            order=orders[spec.slot],
            spec=spec,
            sent=tuple(_sent(spec, keys)),
            graph={},
            workflow=plan.workflow,
        )
        for spec in plan.specs
    ]
    try:
        workflow = Workflow.load(plan.workflow)
    except ConfigurationError as error:
        return [replace(picture, problem=str(error)) for picture in bare]
    return [_bound(picture, workflow, job, settings.comfyui.models) for picture in bare]


def _bound(picture: Planned, workflow: Workflow, job: Job, models: Mapping[str, str]) -> Planned:
    """The picture with its graph, in which names stand for the files that will be uploaded."""
    masks = [sent.name for sent in picture.sent if sent.title == MASK]
    try:
        graph = workflow.bind(
            picture.spec,
            references=[sent.name for sent in picture.sent if sent.title != MASK],
            filename_prefix=f"quel/{job.path}/{job.id}/{picture.spec.slot:03}-0",
            models=models,
            mask=next(iter(masks), None),
        )
    except ConfigurationError as error:
        return replace(picture, problem=str(error))
    return replace(picture, graph=graph, nodes=len(workflow.nodes))


def attach_ids(plan: Plan) -> list[int]:
    """The ids of every supplied picture that a plan uses, each once."""
    nowhere: Keys = {}
    sent = [picture for spec in plan.specs for picture in _sent(spec, nowhere)]
    numbers = [found.attach_id for picture in sent for found in picture.supplied]
    return list(dict.fromkeys(number for number in numbers if number is not None))


def _sent(spec: Spec, keys: Keys) -> Iterator[Sent]:
    if spec.scene.retouch:
        yield from _sent_to_retouch(spec.scene.retouch, keys)
        return
    for number, sheet in enumerate(spec.scene.sheets, start=1):
        yield Sent(title=f"reference {number}", role=sheet.role, supplied=_on_sheet(sheet, keys))


def _on_sheet(sheet: Sheet, keys: Keys) -> tuple[Supplied, ...]:
    return tuple(
        Supplied(
            attach_id=reference.attach_id,
            shows=reference.kind,
            place=keys.get(reference.attach_id, ""),
        )
        for reference in sheet.references
    )


def _sent_to_retouch(retouch: Retouch, keys: Keys) -> Iterator[Sent]:
    """The picture, its mask, a marked copy where colours mean something, and what is wanted."""
    original, mask = _from(retouch.original, keys), _from(retouch.mask, keys)
    wanted = tuple(_from(source, keys) for source in retouch.references)
    pictures: list[tuple[str, Sequence[Supplied]]] = [("picture to change", [original])]
    if retouch.layers:
        pictures.append(("same picture with the marks on it", [original, mask]))
    if wanted:
        pictures.append(("picture of what is wanted", wanted))
    for number, (role, supplied) in enumerate(pictures, start=1):
        yield Sent(title=f"reference {number}", role=role, supplied=tuple(supplied))
    yield Sent(title=MASK, role="part that changes", supplied=(mask,))


def _from(source: Source, keys: Keys) -> Supplied:
    match source:
        case Attached(attach_id=number):
            return Supplied(attach_id=number, place=keys.get(number, ""))
        case Stored(key=key):
            return Supplied(place=key)
        case Embedded(field=field):
            return Supplied(place=f"in the order itself, {field}")
