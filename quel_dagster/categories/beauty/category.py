"""Beauty: a portrait, cosmetics with or without the model who shows them, or a place for them."""

from pathlib import Path

from quel_dagster.model.job import Order
from quel_dagster.model.spec import Scene
from quel_dagster.pipeline.category import one_picture_per_order
from quel_dagster.pipeline.composing import as_described, cameras, scene
from quel_dagster.pipeline.manifest import BACKGROUNDS_IN_TURN, Manifest, Role, Roles

THINGS = ("product", "item", "prop", "bag", "acce", "accessory", "merged", "none")
ROLES = Roles(
    path="beauty",
    hero=Role(name="model", kinds=("model", "face", "actor", "character"), limit=1),
    rest=(Role(name="product", kinds=THINGS),),
    background=BACKGROUNDS_IN_TURN,
)
SHOTS = {
    "portrait": "a portrait, the face filling about two thirds of the frame",
    "packshot": "everything whole and large within the frame",
}
FLAWS = ("waxy skin", "blurred label", "misspelled label", "deformed hands")


def compose(order: Order) -> Scene:
    """One cosmetics photograph; angle and shot are free words here."""
    manifest = ROLES.sort(order)
    subject, never = photograph(manifest)
    otherwise = ("front", own_shot(manifest))
    return scene(
        order,
        manifest,
        subject=subject,
        setting=setting(manifest),
        camera=cameras(order, manifest, angles={}, shots=SHOTS, otherwise=otherwise),
        never=(*never, *FLAWS),
    )


def photograph(manifest: Manifest) -> tuple[str, tuple[str, ...]]:
    """What the photograph shows, and what must not be in it."""
    products = manifest.rest.count("product", "products")
    if manifest.is_open:
        return as_described("A beauty photograph", manifest), ()
    if manifest.hero and manifest.rest:
        subject = (
            f"A cosmetics advertisement: the model of {manifest.hero} with {products}, as in "
            f"{manifest.rest}, held or close by, in real size and under the same light."
        )
        return subject, ("extra people", "extra products")
    if manifest.hero:
        subject = f"A beauty portrait of the model of {manifest.hero}, face and skin unchanged."
        return subject, ("extra people",)
    if manifest.rest:
        subject = (
            f"A cosmetics product photograph of {products}, as in {manifest.rest}; shape, colour "
            "and label stay the same."
        )
        return subject, ("people", "hands", "extra products")
    subject = f"A beauty photograph of a place alone, in the mood of {manifest.background}."
    return subject, ("people", "hands", "products")


def setting(manifest: Manifest) -> str:
    """Where it is: the background only inspires."""
    if manifest.background and (manifest.hero or manifest.rest):
        return f"The setting is inspired by the colours and light of {manifest.background}."
    return ""


def own_shot(manifest: Manifest) -> str:
    """The framing of an order that names none: close for a face alone, whole for products alone."""
    if manifest.hero:
        return "" if manifest.rest else "portrait"
    return "packshot" if manifest.rest else ""


CATEGORY = one_picture_per_order(
    "beauty", about=__doc__, compose=compose, folder=Path(__file__).parent
)
