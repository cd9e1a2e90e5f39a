"""How a sample order is written in each shape, in the words and keys of the front end.

What the sample customers want stands in `recipes`; who they are, in `samples`.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageDraw

from quel_dagster.demo.front_end import NewOrder
from quel_dagster.model.job import Payer
from quel_dagster.model.retouching import MODIFY

View = tuple[str, str]
"""An angle and a shot, in the path's own vocabulary."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a customer of one path might order, in one shape.

    Attributes:
        kinds: of the references, the most important first.
        views: two, for pictures that differ by their camera.
        images: how many pictures such an order usually has.
    """

    path: str
    job_type: str
    prompts: Sequence[str]
    kinds: Sequence[str]
    views: tuple[View, View]
    ratio: str
    fx: str = ""
    images: int = 1

    def order(self, payer: Payer, references: Mapping[str, int], images: int) -> NewOrder:
        """The order of so many pictures, with the attach ids of its kinds of reference."""
        written = {
            "single_batch": self._single_batch,
            "pipeline_stage": self._pipeline_stage,
            "simple_general": self._simple_general,
            "simple_portrait": self._simple_portrait,
        }[self.job_type](references, images)
        return NewOrder(
            path=self.path,
            input={"userId": str(payer.member_id), "category": self.path, **written},
            payer=payer,
            total_images=images,
            job_type=self.job_type,
        )

    def _single_batch(self, references: Mapping[str, int], images: int) -> dict[str, object]:
        effect = {"fx": self.fx} if self.fx else {}
        return {
            "basePrompt": self.prompts[0],
            "individualImageAttachIds": self._attached(references),
            "combinations": [
                {"angle": angle, "shot": shot, "quantity": quantity, **effect}
                for (angle, shot), quantity in self._shared_out(images)
            ],
            "aspect-ratio": self.ratio,
            "aspectRatio": self.ratio,
        }

    def _pipeline_stage(self, references: Mapping[str, int], images: int) -> dict[str, object]:
        shares = list(self._shared_out(images))
        return {
            "basePrompt": "",
            "stages": [
                {
                    "stage_index": index,
                    "prompt": self.prompts[index % len(self.prompts)],
                    "quantity": quantity,
                    "cameraAngle": angle,
                    "shotType": shot,
                    "aspect-ratio": self.ratio,
                    "individualImageAttachIds": self._attached(references),
                }
                for index, ((angle, shot), quantity) in enumerate(shares)
            ],
            "totalImages": images,
        }

    def _simple_general(self, references: Mapping[str, int], _images: int) -> dict[str, object]:
        return {
            "prompt": self.prompts[0],
            "uploadedAttachIds": self._attached(references),
            "aspect-ratio": self.ratio,
        }

    def _simple_portrait(self, references: Mapping[str, int], images: int) -> dict[str, object]:
        entries = [
            {
                "photoIndex": number,
                "mergedAttachId": references[self.kinds[0]],
                "wrappingPrompt": self.prompts[number % len(self.prompts)],
            }
            for number in range(images)
        ]
        return {"mergedImages": entries, "aspect-ratio": self.ratio}

    def _attached(self, references: Mapping[str, int]) -> list[dict[str, object]]:
        return [{"attachId": references[kind], "type": kind} for kind in self.kinds]

    def _shared_out(self, images: int) -> Iterator[tuple[View, int]]:
        """The views with how many of the pictures each gets; none for a view that gets none."""
        second = images // 2
        for view, quantity in zip(self.views, (images - second, second), strict=True):
            if quantity:
                yield view, quantity


@dataclass(frozen=True, kw_only=True)
class Retouch:
    """What a customer might have changed in a picture. Such a row names no path."""

    prompt: str
    kind: str
    path: str = MODIFY
    images: int = 1

    def order(self, payer: Payer, references: Mapping[str, int], images: int) -> NewOrder:
        """The order of so many variants; the painted part is embedded, as the front end does."""
        written = {
            "originalAttachId": references[self.kind],
            "maskDataUrl": painted_over(),
            "prompt": "",
            "layers": [{"color": "red", "prompt": self.prompt, "referenceImage": None}],
            "quantity": images,
            "userId": str(payer.member_id),
        }
        return NewOrder(
            path=None,
            input=written,
            payer=payer,
            total_images=images,
            job_type="simple_general",
        )


def painted_over() -> str:
    """A red blot on a transparent square, as a data URL."""
    picture = Image.new("RGBA", (512, 512))
    ImageDraw.Draw(picture).ellipse((140, 150, 372, 362), fill=(224, 32, 32, 255))
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
