"""How an order is put into words, as far as all categories do it alike: camera, joining, negatives.

Pure functions, no Dagster. What a category says stands in the category's own folder.
"""

from collections.abc import Iterable, Mapping

from quel_dagster.model.job import Order, Scene
from quel_dagster.pipeline.manifest import Manifest

ONE_PICTURE = (
    "split screen",
    "collage",
    "grid",
    "border",
    "letterbox",
    "duplicate subject",
    "watermark",
)
"""Goes into every negative prompt: an order is always one continuous picture."""

ANGLES = {
    "front": "seen straight from the front",
    "side": "seen exactly from the side, at 90 degrees",
    "profile": "a formal frontal portrait",
    "back": "seen from behind, turned away from the camera",
}
"""Angles as the front end means them; note that `profile` is no side view."""

SHOTS_OF_THINGS = {
    "tight": "close on the details",
    "middle": "at medium distance",
    "full": "everything whole within the frame",
}
"""Framings where there is no body to frame by."""


def key(word: str) -> str:
    """A vocabulary's word however it is spelled: lower case, hyphens between its parts."""
    return "-".join(word.lower().replace("_", " ").split())


def camera(
    order: Order,
    manifest: Manifest,
    *,
    angles: Mapping[str, str],
    shots: Mapping[str, str],
    otherwise: tuple[str, str],
) -> str:
    """Where the camera stands and what it frames.

    A word that the vocabulary lacks is handed on as it is. `otherwise` is the category's own angle
    and shot for an order that names none: they give way to the description, and go unsaid where
    only the description knows the subject.
    """
    asked = _named((order.angle, order.shot), angles, shots)
    angle, shot = otherwise if manifest.has_subject else ("", "")
    assumed = _named(("" if order.angle else angle, "" if order.shot else shot), angles, shots)
    sentences = [
        asked and f"Camera: {asked}.",
        assumed and f"Camera, unless the description says otherwise: {assumed}.",
    ]
    return " ".join(filter(None, sentences))


def _named(words: tuple[str, str], angles: Mapping[str, str], shots: Mapping[str, str]) -> str:
    meanings = [_meaning(words[0], angles, "view"), _meaning(words[1], shots, "framing")]
    return ", ".join(filter(None, meanings))


def _meaning(word: str, vocabulary: Mapping[str, str], noun: str) -> str:
    if not word:
        return ""
    return vocabulary.get(key(word)) or f"{word.removesuffix(noun).strip()} {noun}"


def backdrop(order: Order, manifest: Manifest) -> str:
    """What `profile` says of the background, unless the order brings its own."""
    if key(order.angle) == "profile" and not manifest.background:
        return "The backdrop is plain and elegant."
    return ""


def exactly(number: int, one: str, many: str) -> str:
    """`exactly 1 person`, `exactly 3 people`."""
    return f"exactly {number} {one if number == 1 else many}"


def as_described(look: str, manifest: Manifest) -> str:
    """What to say of an open order: the description leads, and what it leaves alone stays."""
    if not manifest.rest:
        return f"{look} of what the description asks for."
    return (
        f"{look} made from {manifest.rest} as the description asks; what it does not mention "
        "stays as it is."
    )


def scene(
    order: Order, manifest: Manifest, *, says: Iterable[str], never: Iterable[str] = ()
) -> Scene:
    """The scene in words and pictures.

    Args:
        order: its `negative` ends the negative prompt.
        manifest: its pictures are sent, and introduced at the start of the text.
        says: the text's paragraphs, the customer's own words among them; empty ones go.
        never: what must not be seen, beside `ONE_PICTURE`.
    """
    legend = " ".join(image.caption for image in manifest.images)
    return Scene(
        positive="\n".join(filter(None, (legend, *says))),
        negative=", ".join(filter(None, dict.fromkeys((*ONE_PICTURE, *never, order.negative)))),
        sheets=tuple(image.sheet for image in manifest.images),
    )
