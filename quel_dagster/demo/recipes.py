"""The sample orders, one recipe per path, in the words and keys the front end uses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from quel_dagster.demo.front_end import NewOrder
from quel_dagster.model.job import Payer


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a customer of one path might order."""

    path: str
    prompt: str
    kinds: Sequence[str] = ()
    angle: str = ""
    shot: str = ""
    fx: str = ""
    ratio: str = "1:1"
    job_type: str = "single_batch"

    def order(self, payer: Payer, references: Mapping[str, int], images: int) -> NewOrder:
        """The order of so many pictures, with the attach ids of its kinds of reference."""
        attached = [{"attachId": references[kind], "type": kind} for kind in self.kinds]
        shared = {
            "userId": str(payer.member_id),
            "category": self.path,
            "aspect-ratio": self.ratio,
            "aspectRatio": self.ratio,
        }
        combination = {"angle": self.angle, "shot": self.shot, "quantity": images}
        if self.fx:
            combination["fx"] = self.fx
        own = (
            {"prompt": self.prompt, "uploadedAttachIds": attached}
            if self.job_type == "simple_general"
            else {
                "basePrompt": self.prompt,
                "individualImageAttachIds": attached,
                "combinations": [combination],
            }
        )
        return NewOrder(
            path=self.path,
            input={**shared, **own},
            payer=payer,
            total_images=images,
            job_type=self.job_type,
        )


RECIPES = (
    Recipe(
        path="fashion",
        prompt="linen suit, late summer terrace, calm mood",
        kinds=("model", "outer", "pants", "shoes", "background"),
        angle="front",
        shot="full",
        ratio="9:16",
    ),
    Recipe(
        path="beauty",
        prompt="glass bottle of serum in morning light",
        kinds=("model", "product"),
        angle="front",
        shot="close up",
        ratio="4:5",
    ),
    Recipe(
        path="eats",
        prompt="hand-pulled noodles in broth, steam",
        kinds=("food", "ingredient"),
        angle="overhead",
        shot="full-plate",
        ratio="4:3",
    ),
    Recipe(
        path="cinema",
        prompt="night market after rain, neon reflections",
        kinds=("actor", "prop", "background"),
        angle="side",
        shot="middle",
        ratio="16:9",
    ),
    Recipe(
        path="cartoon",
        prompt="a fox courier leaps over a gate",
        kinds=("character", "prop"),
        angle="low-angle",
        shot="full-body",
        fx="speed-lines",
        ratio="3:4",
    ),
    Recipe(
        path="fashion",
        prompt="studio packshot of the shoes on grey",
        kinds=("shoes",),
        job_type="simple_general",
    ),
    Recipe(path="beauty", prompt="pastel powder in the air, macro", ratio="16:9", shot="macro"),
)
