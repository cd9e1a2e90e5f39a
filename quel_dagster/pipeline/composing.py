"""How an order becomes a scene, as far as all categories do it alike: camera and negatives.

Pure functions, no Dagster. What a category says stands in the category's own folder; how a scene
reads as text, in `model.spec`.
"""

from collections.abc import Iterable, Mapping

from quel_dagster.model.job import Order
from quel_dagster.model.spec import Camera, Scene
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

Cameras = tuple[Camera, Camera]
"""As the order asks, and what gives way to the description."""


def key(word: str) -> str:
    """A vocabulary's word however it is spelled: lower case, hyphens between its parts."""
    return "-".join(word.lower().replace("_", " ").split())


def cameras(
    order: Order,
    manifest: Manifest,
    *,
    angles: Mapping[str, str],
    shots: Mapping[str, str],
    otherwise: tuple[str, str],
) -> Cameras:
    """Where the camera stands and what it frames.

    A word that the vocabulary lacks is handed on as it is. Where the description directs the
    camera, what the order names beside it gives way to it, and nothing else is assumed.

    Args:
        order: its angle and shot count, in any spelling.
        manifest: tells whether the category knows the subject.
        angles: the category's words for an angle.
        shots: the same for a framing.
        otherwise: the category's own angle and shot for an order that names none; unsaid where only
            the description knows the subject.
    """
    asked = Camera(
        angle=_meaning(order.angle, angles, "view"),
        framing=_meaning(order.shot, shots, "framing"),
    )
    if order.own_camera:
        return Camera(), asked
    angle, shot = otherwise if manifest.has_subject else ("", "")
    assumed = Camera(
        angle="" if order.angle else _meaning(angle, angles, "view"),
        framing="" if order.shot else _meaning(shot, shots, "framing"),
    )
    return asked, assumed


def _meaning(word: str, vocabulary: Mapping[str, str], noun: str) -> str:
    if not word:
        return ""
    return vocabulary.get(key(word)) or f"{word.removesuffix(noun).strip()} {noun}"


def backdrop(order: Order, manifest: Manifest) -> str:
    """What `profile` says of the background, unless the order brings its own."""
    if key(order.angle) == "profile" and not manifest.background:
        return "The backdrop is plain and elegant."
    return ""


def as_described(look: str, manifest: Manifest) -> str:
    """What to say of an open order: the description leads, and what it leaves alone stays."""
    given = manifest.images if manifest.free else manifest.rest
    if not given:
        return f"{look} of what the description asks for."
    return (
        f"{look} made from {given} as the description asks; what it does not mention "
        "stays as it is."
    )


def scene(
    order: Order,
    manifest: Manifest,
    *,
    subject: str,
    camera: Cameras,
    setting: str = "",
    finish: str = "",
    never: Iterable[str] = (),
) -> Scene:
    """The scene in parts.

    Args:
        order: its words are the description, its `negative` ends what must not be seen.
        manifest: its sheets are sent.
        subject: what is shown.
        camera: from `cameras`.
        setting: where it is; a free order's description says so alone.
        finish: how it is made.
        never: what must not be seen, beside `ONE_PICTURE`.
    """
    return Scene(
        description=order.prompt,
        subject=subject,
        setting="" if manifest.free else setting,
        camera=camera[0],
        assumed=camera[1],
        finish=finish,
        sheets=manifest.sheets,
        never=(*ONE_PICTURE, *never, order.negative),
        notes=manifest.notes,
    )
