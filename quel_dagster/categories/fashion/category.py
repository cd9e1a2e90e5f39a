"""Fashion: a model in the clothes supplied, the products alone, or a place."""

from dataclasses import replace
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
    key,
    scene,
)
from quel_dagster.pipeline.manifest import Manifest, Role, Roles

CLOTHES = ("top", "pants", "outer", "dress", "skirt", "clothing", "merged")
THINGS = ("shoes", "bag", "acce", "accessory", "hat", "prop", "product", "none")
ROLES = Roles(
    path="fashion",
    hero=Role(name="model", kinds=("model", "face", "actor", "character"), limit=1),
    rest=(
        Role(name="clothing", many="clothing", kinds=CLOTHES),
        Role(name="accessory", many="accessories", kinds=THINGS),
    ),
)
SHOTS = {
    "tight": "cut at the chest",
    "middle": "from the head to mid-thigh, knees out of frame",
    "full": "head to toe, filling at least 85 percent of the frame's height",
}
FROM_BEHIND = {**SHOTS, "tight": "cut at the shoulder blades"}
OUT_OF_FRAME = {"tight": ("pants", "shoes"), "middle": ("shoes",)}
FLAWS = ("altered garment", "missing garment", "distorted proportions", "deformed hands")
NOBODY = ("people", "mannequin", "body parts")


def compose(order: Order) -> Scene:
    """One photograph of what the references supply, or of what the text alone describes."""
    manifest = ROLES.sort(in_frame(order))
    subject, never = photograph(manifest)
    framings = shots(order, manifest)
    return scene(
        order,
        manifest,
        subject=subject,
        setting=setting(order, manifest),
        camera=cameras(order, manifest, angles=ANGLES, shots=framings, otherwise=("front", "full")),
        never=(*never, *FLAWS),
    )


def in_frame(order: Order) -> Order:
    """The order with what its framing shows (W-35); it never loses its only subject."""
    hidden = OUT_OF_FRAME.get(key(order.shot), ())
    seen = replace(order, references=tuple(r for r in order.references if r.kind not in hidden))
    manifest = ROLES.sort(seen)
    return seen if manifest.hero or manifest.rest else order


def photograph(manifest: Manifest) -> tuple[str, tuple[str, ...]]:
    """What the photograph shows, and what must not be in it."""
    if manifest.is_open:
        return as_described("A fashion photograph", manifest), ()
    if manifest.hero:
        wearing = f", wearing every item of {manifest.rest} unchanged" if manifest.rest else ""
        subject = (
            f"A fashion editorial photograph of the model of {manifest.hero}{wearing}. "
            "Face, hair and build stay the same; the attitude is poised and serious."
        )
        return subject, ("extra people",)
    if manifest.rest:
        subject = (
            f"A fashion product photograph of {manifest.rest.count('item', 'items')}, as in "
            f"{manifest.rest}, and nothing else; cut, colour, material and print stay the same."
        )
        return subject, (*NOBODY, "extra items")
    return f"A photograph of the place of {manifest.background}, as it is and deserted.", NOBODY


def setting(order: Order, manifest: Manifest) -> str:
    """Where it is: a model's background is staged afresh, products stand in exactly that place."""
    place = manifest.background
    if place and manifest.hero:
        return f"The location takes its mood, materials and light from {place}, staged afresh."
    if place and manifest.rest:
        return f"The place is exactly the one of {place}."
    if place or manifest.is_open or key(order.angle) == "profile":
        return backdrop(order, manifest)
    return "Unless the description names a place: a plain studio with soft, even light."


def shots(order: Order, manifest: Manifest) -> dict[str, str]:
    """What the framings mean here: people are framed by their bodies, things are not."""
    if not manifest.may_show_people:
        return SHOTS_OF_THINGS
    return FROM_BEHIND if key(order.angle) == "back" else SHOTS


CATEGORY = one_picture_per_order(
    "fashion", about=__doc__, compose=compose, folder=Path(__file__).parent
)
