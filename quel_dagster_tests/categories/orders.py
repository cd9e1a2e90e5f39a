"""Orders for the tests, and what can be read off a scene."""

import importlib
from collections.abc import Callable

from quel_dagster.model.job import Order, Reference
from quel_dagster.model.spec import Scene

HEROES = {
    "beauty": "model",
    "cartoon": "character",
    "cinema": "actor",
    "eats": "food",
    "fashion": "model",
}
"""The kind of reference a picture of each category is about."""

RESTS = {"beauty": "product", "cartoon": "prop", "cinema": "top", "eats": "prop", "fashion": "bag"}
"""A kind that goes along with it."""


def references(*kinds: str) -> tuple[Reference, ...]:
    """References 1, 2, 3 … of these kinds, each with its place in the order's JSON."""
    return tuple(
        Reference(attach_id=number, kind=kind, where=f"individualImageAttachIds[{number - 1}]")
        for number, kind in enumerate(kinds, start=1)
    )


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
    return Order(
        slot=0,
        prompt=prompt,
        angle=angle,
        shot=shot,
        fx=fx,
        negative=negative,
        pre_edited=pre_edited,
        references=references(*kinds),
    )


def compose_of(path: str) -> Callable[[Order], Scene]:
    """A category's composing function; the tests, too, find categories by folder."""
    return importlib.import_module(f"quel_dagster.categories.{path}.category").compose


def sent(scene: Scene) -> list[tuple[int, ...]]:
    """The references on each picture, in order."""
    return [sheet.attach_ids for sheet in scene.sheets]


def roles(scene: Scene) -> list[str]:
    """The role of each picture, in order."""
    return [sheet.role for sheet in scene.sheets]


def forbidden(scene: Scene) -> set[str]:
    """The negative prompt, word by word."""
    return set(scene.negative.split(", "))
