"""The shapes in which the front end writes an order, old and new, and what each means.

A shape becomes lines, each a picture and how many of it; `parsing` counts them through. What a
picture means to a category (which kinds of reference, which words) is the category's matter.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.fields import Fields, shown
from quel_dagster.model.job import UNSAID, Order
from quel_dagster.model.spellings import (
    is_pre_edited,
    prompt_of,
    quantity_of,
    ratio_of,
    references_in,
    references_of,
    said,
    seed_of,
    sheet_of,
)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A picture that an order asks for, and how many of it.

    Attributes:
        order: the picture. Its slot and its number among its like are counted later.
        quantity: 1 or more.
        field: where the input says how many, or would.
    """

    order: Order
    quantity: int
    field: str


def read_single_batch(order_input: Fields, total_images: int) -> Iterable[Line]:
    """Every combination of angle and shot, as often as its quantity says.

    Before there were combinations the order itself was one, with `prompt`, `cameraAngle` and
    `quantity` at top level (W-50).
    """
    angle = said((order_input, "angle"), (order_input, "cameraAngle"))
    shot = order_input.words("shotType")
    prompt = prompt_of((order_input, "basePrompt"), (order_input, "prompt"))
    ratio = ratio_of(order_input)
    references = references_in(order_input)
    combinations = order_input.entries("combinations") or [order_input]
    alone = len(combinations) == 1
    for entry in combinations:
        old = alone and not entry.has("quantity") and order_input.has("quantity")
        counted = order_input if old else entry
        yield Line(
            order=Order(
                slot=0,
                prompt=prompt,
                angle=entry.words("angle") or angle,
                shot=entry.words("shot") or shot,
                fx=entry.words("fx"),
                ratio=ratio,
                negative=order_input.words("negative_prompt"),
                pre_edited=is_pre_edited(order_input),
                references=references,
                seed=seed_of(entry, order_input),
                where=entry.where,
            ),
            quantity=quantity_of(counted, total_images if alone else 1),
            field=counted.path("quantity"),
        )


def read_pipeline_stage(order_input: Fields, total_images: int) -> Iterable[Line]:
    """Every stage, in the order of their indexes; what a stage leaves out the whole order says."""
    stages = in_stage_order(order_input.entries("stages")) or [order_input]
    for stage in stages:
        stage.pass_over("stage_index", "stageName", "stage_name", "globalContext")
        yield Line(
            order=Order(
                slot=0,
                prompt=prompt_of(
                    (stage, "prompt"), (order_input, "basePrompt"), (order_input, "prompt")
                ),
                angle=stage.words("cameraAngle"),
                shot=stage.words("shotType"),
                ratio=ratio_of(stage, order_input),
                negative=said((stage, "negative_prompt"), (order_input, "negative_prompt")),
                pre_edited=is_pre_edited(stage, order_input),
                references=references_in(stage),
                seed=seed_of(stage, order_input),
                own_camera=True,
                where=stage.where,
            ),
            quantity=quantity_of(stage, total_images if len(stages) == 1 else 1),
            field=stage.path("quantity"),
        )


def read_simple_general(order_input: Fields, total_images: int) -> Iterable[Line]:
    """One picture as often as the row's `total_images` says; all uploads are used (W-48)."""
    yield Line(
        order=Order(
            slot=0,
            prompt=prompt_of((order_input, "prompt"), (order_input, "basePrompt")),
            ratio=ratio_of(order_input),
            negative=order_input.words("negative_prompt"),
            references=references_of(order_input, "uploadedAttachIds"),
            seed=seed_of(order_input),
            own_camera=True,
            free=True,
        ),
        quantity=max(total_images, 1),
        field="total_images",
    )


def read_simple_portrait(order_input: Fields, _total_images: int) -> Iterable[Line]:
    """One picture per member of `mergedImages`, in their order."""
    for entry in order_input.entries("mergedImages") or [order_input]:
        entry.pass_over("photoIndex")
        if not entry.has("mergedAttachId"):
            entry.remark("mergedAttachId", "missing; made from words alone")
        yield Line(
            order=Order(
                slot=0,
                prompt=prompt_of((entry, "wrappingPrompt"), (order_input, "basePrompt")),
                ratio=ratio_of(entry, order_input),
                negative=order_input.words("negative_prompt"),
                references=sheet_of(entry, "mergedAttachId", UNSAID),
                seed=seed_of(entry, order_input),
                own_camera=True,
                free=True,
                where=entry.where,
            ),
            quantity=1,
            field=entry.where or "mergedImages",
        )


def in_stage_order(stages: Sequence[Fields]) -> list[Fields]:
    """Stages by `stage_index`, wherever their count begins; one without takes its position (W-18).

    Raises:
        InvalidJob: two have the same index; names both.
    """
    placed: dict[int, Fields] = {}
    for position, stage in enumerate(stages):
        given = stage.count("stage_index", least=None)
        index = position if given is None else given
        if other := placed.get(index):
            found = "missing, and its position " if given is None else ""
            problem = f"{found}{shown(index)} is {other.path('stage_index')} too"
            raise InvalidJob(
                stage.path("stage_index"), f"{problem}; give each stage an index of its own"
            )
        placed[index] = stage
    return [placed[index] for index in sorted(placed)]
