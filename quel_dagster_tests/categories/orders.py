"""Orders for the tests, and what can be read off a scene."""

import importlib
from collections.abc import Callable

from quel_dagster.model.job import Order, Reference, Scene


def order(
    *kinds: str,
    prompt: str = "linen, late summer",
    angle: str = "",
    shot: str = "",
    fx: str = "",
    negative: str = "",
    pre_edited: bool = False,
) -> Order:
    """An order with references 1, 2, 3 … of these kinds."""
    references = tuple(
        Reference(attach_id=number, kind=kind) for number, kind in enumerate(kinds, start=1)
    )
    return Order(
        slot=0,
        prompt=prompt,
        angle=angle,
        shot=shot,
        fx=fx,
        negative=negative,
        pre_edited=pre_edited,
        references=references,
    )


def compose_of(path: str) -> Callable[[Order], Scene]:
    """A category's composing function; the tests, too, find categories by folder."""
    return importlib.import_module(f"quel_dagster.categories.{path}.category").compose


def sent(scene: Scene) -> list[tuple[int, ...]]:
    """The references on each picture, in order."""
    return [sheet.attach_ids for sheet in scene.sheets]


def forbidden(scene: Scene) -> set[str]:
    """The negative prompt, word by word."""
    return set(scene.negative.split(", "))
