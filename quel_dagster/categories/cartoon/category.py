"""Cartoon: up to three characters kept on model, items alone, or a place; always drawn."""

from pathlib import Path

from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.job import Order
from quel_dagster.model.spec import Scene
from quel_dagster.pipeline.category import one_picture_per_order
from quel_dagster.pipeline.composing import as_described, cameras, key, scene
from quel_dagster.pipeline.manifest import Manifest, Role, Roles

CLOTHES = ("top", "pants", "outer", "shoes", "bag", "acce", "accessory")
ROLES = Roles(
    path="cartoon",
    hero=Role(name="character", kinds=("character", "face", "model", "actor"), limit=3),
    rest=(Role(name="prop", kinds=("prop", "product", "merged", "none", *CLOTHES)),),
)
ANGLES = {
    "front": "seen straight from the front",
    "three-quarter": "turned 30 to 45 degrees away from the camera",
    "side": "seen exactly from the side",
    "low-angle": "from below, looking up",
    "high-angle": "from above, looking down",
}
SHOTS = {
    "portrait": "from the neck up",
    "bust": "from the chest up",
    "full-body": "the full body, head to toe",
    "full": "the full body, head to toe",
}
SHOTS_OF_ITEMS = {
    "portrait": "very close",
    "bust": "close",
    "full-body": "everything whole within the frame",
    "full": "everything whole within the frame",
}
EFFECTS = {
    "none": "",
    "speed-lines": "Speed lines: radiating lines of motion.",
    "impact": "Impact: a burst with a shockwave.",
    "aura": "Aura: a glow of energy.",
    "emotion": "Emotion: drawn symbols such as sweat drops and throbbing veins.",
}
FLAWS = ("photograph", "3D render", "off-model design", "deformed hands")


def compose(order: Order) -> Scene:
    """One drawing, with its effect (W-30)."""
    manifest = ROLES.sort(order)
    subject, never = drawing(manifest)
    shots = SHOTS if manifest.may_show_people else SHOTS_OF_ITEMS
    otherwise = ("front", "full-body")
    return scene(
        order,
        manifest,
        subject=subject,
        setting=setting(manifest),
        camera=cameras(order, manifest, angles=ANGLES, shots=shots, otherwise=otherwise),
        finish=effect(order),
        never=(*never, *FLAWS),
    )


def drawing(manifest: Manifest) -> tuple[str, tuple[str, ...]]:
    """What the drawing shows, and what must not be in it."""
    if manifest.is_open:
        return as_described("A cartoon illustration", manifest), ()
    if manifest.hero:
        cast = manifest.hero.count("character", "characters")
        using = f", with {manifest.rest.things}" if manifest.rest else ""
        subject = (
            f"A cartoon illustration with {cast}, as in {manifest.hero}{using}. Every design keeps "
            "its line, proportions and colours; one light falls on all."
        )
        return subject, ("extra characters",)
    if manifest.rest:
        subject = f"A cartoon illustration of {manifest.rest.things} and nothing else."
        return subject, ("people", "characters")
    subject = f"A cartoon illustration of a deserted place inspired by {manifest.background}."
    return subject, ("people", "characters")


def setting(manifest: Manifest) -> str:
    """Where it is: the background only inspires."""
    if manifest.background and (manifest.hero or manifest.rest):
        return f"The place is inspired by {manifest.background}, drawn in the same style."
    return ""


def effect(order: Order) -> str:
    """What the order's effect looks like; nothing where it asks for none.

    Raises:
        InvalidJob: an effect that is not in the vocabulary.
    """
    words = EFFECTS.get(key(order.fx) or "none")
    if words is None:
        known = ", ".join(EFFECTS)
        raise InvalidJob(order.place("fx"), f"{order.fx!r} is unknown; use one of {known}")
    return words


CATEGORY = one_picture_per_order(
    "cartoon", about=__doc__, compose=compose, folder=Path(__file__).parent
)
