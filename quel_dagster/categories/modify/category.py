"""Modify: a picture changed where the customer has painted over it, and nowhere else."""

from collections.abc import Iterator
from pathlib import Path

from PIL import ImageColor

from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.job import Order
from quel_dagster.model.retouch import Retouch, Source
from quel_dagster.model.retouching import MASK, MODIFY
from quel_dagster.model.spec import Scene
from quel_dagster.pipeline.category import one_picture_per_order
from quel_dagster.pipeline.composing import ONE_PICTURE

FLAWS = ("coloured marks", "brush strokes", "grey bands", "visible seams", "altered surroundings")

COLOURS = {
    "red": (255, 0, 0),
    "orange": (255, 140, 0),
    "yellow": (255, 230, 0),
    "green": (0, 170, 0),
    "cyan": (0, 230, 230),
    "blue": (0, 80, 255),
    "purple": (140, 0, 200),
    "pink": (255, 100, 200),
    "brown": (130, 70, 20),
    "black": (0, 0, 0),
    "grey": (128, 128, 128),
    "white": (255, 255, 255),
}
"""What a model calls the colours of a palette; the nearest name is used."""


def compose(order: Order) -> Scene:
    """The original again, with what is asked for under the mask.

    Raises:
        InvalidJob: the order brings no picture to change.
    """
    retouch = order.retouch
    if retouch is None:
        raise InvalidJob(MASK, f"missing; path {MODIFY} changes a picture under a mask")
    return Scene(
        description=order.prompt,
        subject=" ".join(captions(retouch)),
        setting="\n".join(("The same picture with these changes and no others:", *wishes(retouch))),
        finish=finish(retouch),
        never=(*ONE_PICTURE, *FLAWS, order.negative),
        retouch=retouch,
    )


def captions(retouch: Retouch) -> Iterator[str]:
    """What each picture is that is sent along, by its number."""
    yield "Image 1 is the picture to change."
    if retouch.layers:
        yield "Image 2 is the same picture with coloured marks on it."
    number, wanted = wanted_image(retouch), len(retouch.references)
    if wanted == 1:
        yield f"Image {number} shows what is wanted."
    if wanted > 1:
        yield (
            f"Image {number} is a sheet of {wanted} pictures of what is wanted, counted row by "
            "row from the left."
        )


def wanted_image(retouch: Retouch) -> int:
    """The number of the image that shows what is wanted, one or several pictures of it."""
    return 3 if retouch.layers else 2


def wishes(retouch: Retouch) -> Iterator[str]:
    """What becomes of each colour, in the customer's own words."""
    if retouch.reference:
        yield f"What is wanted is as in {shown_in(retouch, retouch.reference)}."
    for layer in retouch.layers:
        place = f"Where image 2 is marked {colour(layer.colour)}"
        example = layer.reference and f"as in {shown_in(retouch, layer.reference)}"
        if not layer.prompt:
            yield f"{place}: {example}."
        elif example:
            yield f"{place}, {example}: {layer.prompt}"
        else:
            yield f"{place}: {layer.prompt}"


def shown_in(retouch: Retouch, source: Source) -> str:
    """Where a picture of what is wanted is to be seen: `image 2`, `picture 3 of image 2`."""
    image = f"image {wanted_image(retouch)}"
    pictures = retouch.references
    return image if len(pictures) == 1 else f"picture {pictures.index(source) + 1} of {image}"


def finish(retouch: Retouch) -> str:
    """How the changes sit in the picture."""
    rest = (
        "Everything else stays exactly as in image 1. What is changed has its perspective, light, "
        "colours and grain."
    )
    bands = "Where image 1 ends in grey bands, the scene goes on into them."
    return f"{rest} {bands}" if retouch.ratio else rest


def colour(text: str) -> str:
    """A colour by a name that a model understands: `red (#e01010)` for a code."""
    try:
        code = ImageColor.getrgb(text)
    except ValueError:
        return text
    if text.isalpha():
        return text
    near = {
        name: sum((a - b) ** 2 for a, b in zip(known, code, strict=False))
        for name, known in COLOURS.items()
    }
    return f"{min(near, key=lambda name: near[name])} ({text})"


CATEGORY = one_picture_per_order(
    MODIFY, about=__doc__, compose=compose, folder=Path(__file__).parent
)
