"""Eats: dishes, their ingredients and the table around them."""

from dataclasses import replace
from pathlib import Path

from quel_dagster.model.job import Order
from quel_dagster.model.spec import Scene
from quel_dagster.pipeline.category import one_picture_per_order
from quel_dagster.pipeline.composing import as_described, backdrop, cameras, scene
from quel_dagster.pipeline.manifest import BACKGROUNDS_IN_TURN, Manifest, Role, Roles

DISHES = ("food", "dish", "main", "model", "product", "none")
ROLES = Roles(
    path="eats",
    hero=Role(name="food", many="food", kinds=DISHES),
    rest=(
        Role(name="ingredient", kinds=("ingredient", "side", "merged")),
        Role(name="prop", kinds=("prop", "topping", "garnish")),
    ),
    background=BACKGROUNDS_IN_TURN,
)
ANGLES = {
    "front": "straight from the front, low over the table",
    "side": "exactly from the side at table height, showing the layers",
    "profile": "a formal frontal portrait of the dish",
    "back": "from behind the dish",
    "overhead": "a flat lay, straight down from above",
    "45-degree": "diagonally from above, halfway between overhead and table height",
    "macro": "a macro lens, in extreme detail",
}
SHOTS = {
    "tight": "close on the dish, cropped inside its rim",
    "middle": "the dish with a little of the table",
    "full": "the whole dish within the frame",
    "full-plate": "the whole dish, edge to edge",
    "hero-shot": "the star ingredient large and dramatic",
    "detail": "a single texture filling the frame",
    "context": "the dish on its table with its surroundings",
}
FINISH = "Textures are crisp, light is soft and directional, colours are fresh and true."
FLAWS = ("artificial looking food", "mushy texture", "muddy colours", "distorted dish")


def compose(order: Order) -> Scene:
    """One food photograph; a retouched dish is kept as it is, any other is arranged anew."""
    order = replace(order, angle=order.angle or angle_in(order))
    manifest = ROLES.sort(order)
    otherwise = ("45-degree", "full")
    return scene(
        order,
        manifest,
        subject=retouched(manifest) if order.pre_edited else arranged(manifest),
        setting=setting(order, manifest),
        camera=cameras(order, manifest, angles=ANGLES, shots=SHOTS, otherwise=otherwise),
        finish=FINISH if order.pre_edited else "",
        never=FLAWS,
    )


def angle_in(order: Order) -> str:
    """A description that speaks of an overhead view means that angle."""
    return "" if order.own_camera or "overhead" not in order.prompt.lower() else "overhead"


def arranged(manifest: Manifest) -> str:
    """What the photograph shows: the dish first, everything else around it."""
    look = "An appetizing food photograph, large and sharp,"
    if manifest.is_open:
        return as_described(look, manifest)
    if manifest.hero:
        around = f", with {manifest.rest.things} around it" if manifest.rest else ""
        return f"{look} of the food of {manifest.hero}{around}, naturally arranged."
    if manifest.rest:
        return f"{look} of {manifest.rest.things}, naturally arranged."
    return f"{look} of what the description asks for."


def retouched(manifest: Manifest) -> str:
    """The same for references that were retouched before they were sent."""
    if manifest.is_open:
        return as_described("A finished food photograph", manifest)
    if manifest.hero:
        beside = f", with {manifest.rest.things} beside it" if manifest.rest else ""
        return f"The food of {manifest.hero} keeps its shape, garnish and plating{beside}."
    if manifest.rest:
        return f"Shape and colour of {manifest.rest.things} stay the same."
    return "A finished food photograph."


def setting(order: Order, manifest: Manifest) -> str:
    """Where it is: food stands in its background, it is not pasted on it."""
    if manifest.background:
        return (
            f"It stands in the place of {manifest.background}, softly out of focus, with contact "
            "shadows and the light of that place."
        )
    return backdrop(order, manifest)


CATEGORY = one_picture_per_order(
    "eats", about=__doc__, compose=compose, folder=Path(__file__).parent
)
