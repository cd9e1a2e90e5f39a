"""Eats: dishes, their ingredients and the table around them."""

from dataclasses import replace
from pathlib import Path

from quel_dagster.model.job import Order, Scene
from quel_dagster.pipeline.category import one_picture_per_order
from quel_dagster.pipeline.composing import backdrop, camera, scene
from quel_dagster.pipeline.manifest import Manifest, Role, Roles

DISHES = ("food", "dish", "main", "model", "product", "none")
ROLES = Roles(
    path="eats",
    hero=Role(name="food", many="food", kinds=DISHES),
    rest=(
        Role(name="ingredient", kinds=("ingredient", "side")),
        Role(name="prop", kinds=("prop", "topping", "garnish")),
    ),
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
    order = replace(order, angle=order.angle or angle_in(order.prompt))
    manifest = ROLES.sort(order.references)
    place = setting(order, manifest)
    view = camera(order, manifest, angles=ANGLES, shots=SHOTS, otherwise=("45-degree", "full"))
    if order.pre_edited:
        says = (retouched(manifest), order.prompt, place, FINISH, view)
    else:
        says = (arranged(manifest), place, view, order.prompt)
    return scene(order, manifest, says=says, never=FLAWS)


def angle_in(prompt: str) -> str:
    """A description that speaks of an overhead view means that angle."""
    return "overhead" if "overhead" in prompt.lower() else ""


def arranged(manifest: Manifest) -> str:
    """What the photograph shows: the dish first, everything else around it."""
    if manifest.hero:
        around = f", with what {manifest.rest} shows around it" if manifest.rest else ""
        shown = f"the food of {manifest.hero}{around}, naturally arranged"
    elif manifest.rest:
        shown = f"what {manifest.rest} shows, naturally arranged"
    else:
        shown = "what the description asks for"
    return f"An appetizing food photograph, large and sharp, of {shown}."


def retouched(manifest: Manifest) -> str:
    """The same for references that were retouched before they were sent."""
    if manifest.hero:
        beside = f", with what {manifest.rest} shows beside it" if manifest.rest else ""
        return f"The food of {manifest.hero} keeps its shape, garnish and plating{beside}."
    if manifest.rest:
        return f"What {manifest.rest} shows keeps its shape and colour."
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
