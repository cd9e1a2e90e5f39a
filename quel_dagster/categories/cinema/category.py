"""Cinema: a film still with up to three actors in costume, of things alone, or of a place."""

from pathlib import Path

from quel_dagster.model.job import Order
from quel_dagster.model.spec import Scene
from quel_dagster.pipeline.category import one_picture_per_order
from quel_dagster.pipeline.composing import (
    ANGLES,
    SHOTS_OF_THINGS,
    as_described,
    backdrop,
    cameras,
    scene,
)
from quel_dagster.pipeline.manifest import Manifest, Role, Roles

CLOTHES = ("top", "pants", "outer", "clothing", "merged")
THINGS = ("prop", "shoes", "bag", "acce", "accessory", "product", "none")
ROLES = Roles(
    path="cinema",
    hero=Role(name="actor", kinds=("actor", "face", "model", "character"), limit=3),
    rest=(
        Role(name="clothing", many="clothing", kinds=CLOTHES),
        Role(name="prop", kinds=THINGS),
    ),
)
SHOTS = {
    "tight": "from the shoulders up",
    "middle": "from the waist up",
    "full": "head to toe",
}
FLAWS = ("distorted proportions", "deformed hands", "flat lighting", "cartoon look")


def compose(order: Order) -> Scene:
    """One frame of a film; angle and shot may be a film maker's own words."""
    manifest = ROLES.sort(order)
    subject, never = still(manifest)
    shots = SHOTS if manifest.may_show_people else SHOTS_OF_THINGS
    return scene(
        order,
        manifest,
        subject=subject,
        setting=setting(order, manifest),
        camera=cameras(order, manifest, angles=ANGLES, shots=shots, otherwise=("front", "full")),
        never=(*never, *FLAWS),
    )


def still(manifest: Manifest) -> tuple[str, tuple[str, ...]]:
    """What the frame shows, and what must not be in it."""
    if manifest.is_open:
        return as_described("A film still", manifest), ()
    if manifest.hero:
        people = manifest.hero.count("person", "people")
        using = f", with {manifest.rest.things}" if manifest.rest else ""
        subject = (
            f"A film still with {people}, as in {manifest.hero}{using}, in one space under one "
            "light. Every face, hair and build stays the same."
        )
        return subject, ("extra people",)
    if manifest.rest:
        return f"A film still of {manifest.rest.things} and nothing else.", ("people",)
    subject = f"A film still of a new, deserted place in the mood of {manifest.background}."
    return subject, ("people",)


def setting(order: Order, manifest: Manifest) -> str:
    """Where it is: the background gives its mood to a new place."""
    if manifest.background and (manifest.hero or manifest.rest):
        return f"The place is a new one in the mood of {manifest.background}."
    return backdrop(order, manifest)


CATEGORY = one_picture_per_order(
    "cinema", about=__doc__, compose=compose, folder=Path(__file__).parent
)
