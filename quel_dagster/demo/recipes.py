"""What the sample customers want: an order in every shape on every path, and a retouched picture.

How an order is written in its shape stands in `writing`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from quel_dagster.demo.writing import Recipe, Retouch, View


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What one order is about; several prompts for several stages or portraits."""

    prompts: tuple[str, ...]
    kinds: tuple[str, ...]
    ratio: str


@dataclass(frozen=True, kw_only=True)
class Taste:
    """What customers of a path want, by shape."""

    views: tuple[View, View]
    wishes: Mapping[str, Wish]
    fx: str = ""


TASTES = {
    "fashion": Taste(
        views=(("front", "full"), ("back", "tight")),
        wishes={
            "single_batch": Wish(
                prompts=("linen suit, late summer terrace, calm mood",),
                kinds=("model", "outer", "pants", "shoes", "background"),
                ratio="9:16",
            ),
            "pipeline_stage": Wish(
                prompts=("walking shot, wind in the coat", "seated on the stairs, looking up"),
                kinds=("model", "outer"),
                ratio="3:4",
            ),
            "simple_general": Wish(
                prompts=("studio packshot on grey",), kinds=("shoes", "pants"), ratio="1:1"
            ),
            "simple_portrait": Wish(
                prompts=("keep the person, change to a winter coat",), kinds=("model",), ratio="3:4"
            ),
        },
    ),
    "beauty": Taste(
        views=(("front", "close up"), ("three-quarter", "waist up")),
        wishes={
            "single_batch": Wish(
                prompts=("glass bottle of serum in morning light",),
                kinds=("model", "product"),
                ratio="4:5",
            ),
            "pipeline_stage": Wish(
                prompts=("macro of the cap, water drops", "on wet stone, low sun from the left"),
                kinds=("product", "background"),
                ratio="1:1",
            ),
            "simple_general": Wish(
                prompts=("pastel powder bursts around it",), kinds=("product",), ratio="16:9"
            ),
            "simple_portrait": Wish(
                prompts=("keep the face, add a clean glow",), kinds=("model",), ratio="4:5"
            ),
        },
    ),
    "eats": Taste(
        views=(("overhead", "full-plate"), ("45-degree", "context")),
        wishes={
            "single_batch": Wish(
                prompts=("hand-pulled noodles in broth, steam",),
                kinds=("food", "ingredient"),
                ratio="4:3",
            ),
            "pipeline_stage": Wish(
                prompts=("overhead, steam rising from the bowl", "cold soba with dipping sauce"),
                kinds=("food", "ingredient", "prop"),
                ratio="1:1",
            ),
            "simple_general": Wish(
                prompts=("brunch table by the window",), kinds=("food", "prop"), ratio="16:9"
            ),
            "simple_portrait": Wish(
                prompts=("the same bowl with fresh herbs",), kinds=("food",), ratio="3:4"
            ),
        },
    ),
    "cinema": Taste(
        views=(("side", "middle"), ("front", "full")),
        wishes={
            "single_batch": Wish(
                prompts=("night market after rain, neon reflections",),
                kinds=("actor", "prop", "background"),
                ratio="16:9",
            ),
            "pipeline_stage": Wish(
                prompts=("she waits below the bridge", "headlights sweep over the wall"),
                kinds=("actor", "background"),
                ratio="16:9",
            ),
            "simple_general": Wish(
                prompts=("empty platform, last train gone",), kinds=("background",), ratio="4:3"
            ),
            "simple_portrait": Wish(
                prompts=("the same person, twenty years older",), kinds=("actor",), ratio="3:4"
            ),
        },
    ),
    "cartoon": Taste(
        views=(("low-angle", "full-body"), ("three-quarter", "bust")),
        fx="speed-lines",
        wishes={
            "single_batch": Wish(
                prompts=("a fox courier leaps over a gate",),
                kinds=("character", "prop"),
                ratio="3:4",
            ),
            "pipeline_stage": Wish(
                prompts=("the courier reads the address", "a door opens, warm light"),
                kinds=("character", "background"),
                ratio="4:3",
            ),
            "simple_general": Wish(
                prompts=("sticker of the mascot, waving",), kinds=("character",), ratio="1:1"
            ),
            "simple_portrait": Wish(
                prompts=("the same character in a raincoat",), kinds=("character",), ratio="9:16"
            ),
        },
    ),
}

PICTURES = {"single_batch": 2, "pipeline_stage": 2, "simple_general": 1, "simple_portrait": 1}
"""The shapes with how many pictures such an order has, as a rule."""


def _recipe(path: str, taste: Taste, shape: str, images: int) -> Recipe:
    wish = taste.wishes[shape]
    return Recipe(
        path=path,
        job_type=shape,
        prompts=wish.prompts,
        kinds=wish.kinds,
        views=taste.views,
        ratio=wish.ratio,
        fx=taste.fx,
        images=images,
    )


RECIPES = tuple(
    _recipe(path, taste, shape, images)
    for shape, images in PICTURES.items()
    for path, taste in TASTES.items()
)
"""Every path in turn, shape by shape."""

RETOUCH = Retouch(prompt="turn into a brass button", kind="outer")
"""A picture changed where it was painted over."""
