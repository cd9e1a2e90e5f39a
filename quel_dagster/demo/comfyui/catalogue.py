"""What this server has: node classes as ComfyUI v0.33.0 describes them, and model files by folder.

Classes come from `object_info.json`, which the real server wrote. Input files are `folders`' part.
"""

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import cast

from quel_dagster.demo.comfyui.wire import Json

MODELS: Mapping[str, Sequence[str]] = {
    "checkpoints": ("v1-5-pruned-emaonly-fp16.safetensors",),
    "diffusion_models": ("qwen_image_edit_2509_fp8_e4m3fn.safetensors",),
    "loras": ("Qwen-Image-Edit-2509-Lightning-4steps-V1.0-bf16.safetensors",),
    "text_encoders": ("qwen_2.5_vl_7b_fp8_scaled.safetensors",),
    "upscale_models": ("RealESRGAN_x4plus.safetensors",),
    "vae": ("qwen_image_vae.safetensors", "pixel_space"),
}
"""Names a loader accepts. No such file exists here: nothing is ever loaded."""

FOLDER_OF = {
    "ckpt_name": "checkpoints",
    "unet_name": "diffusion_models",
    "lora_name": "loras",
    "clip_name": "text_encoders",
    "clip_name1": "text_encoders",
    "clip_name2": "text_encoders",
    "model_name": "upscale_models",
    "vae_name": "vae",
}
"""Which folder a loader's input chooses from."""


@dataclass(frozen=True, kw_only=True)
class Input:
    """One input of a node class.

    `kind` is a type name such as `INT` or `IMAGE`, or `COMBO` where `choices` are given. `spec` is
    the description as ComfyUI shows it in `input_config`.
    """

    name: str
    kind: str
    required: bool
    choices: Sequence[object] | None
    spec: list[object]

    def bound(self, name: str) -> float | None:
        """The `min` or `max` of the value, if it has one."""
        value = cast("Json", self.spec[1]).get(name)
        return value if isinstance(value, int | float) else None


class Catalogue:
    """Node classes and model names.

    Args:
        extra_models: names that every loader accepts besides its own.
    """

    def __init__(self, extra_models: Sequence[str] = ()) -> None:
        self.models = {folder: [*names, *extra_models] for folder, names in MODELS.items()}
        text = (
            files("quel_dagster.demo.comfyui")
            .joinpath("object_info.json")
            .read_text(encoding="utf-8")
        )
        self.classes = cast("dict[str, Json]", json.loads(text))
        for description in self.classes.values():
            self._offer_models(description)

    def _offer_models(self, description: Json) -> None:
        for section in cast("dict[str, dict[str, list[object]]]", description["input"]).values():
            for name, spec in section.items():
                if name in FOLDER_OF:
                    _choices(spec)[:] = self.models[FOLDER_OF[name]]

    def inputs(self, class_type: str) -> Iterator[Input]:
        """The inputs of a class, the required ones first.

        Raises:
            KeyError: no such class.
        """
        sections = cast("Mapping[str, Json]", self.classes[class_type]["input"])
        for section in ("required", "optional"):
            for name, described in sections.get(section, {}).items():
                spec = cast("list[object]", described)
                combo = isinstance(spec[0], list) or spec[0] == "COMBO"
                yield Input(
                    name=name,
                    kind="COMBO" if combo else str(spec[0]),
                    required=section == "required",
                    choices=_choices(spec) if combo else None,
                    spec=[spec[0], spec[1] if len(spec) > 1 else {}],
                )

    def outputs(self, class_type: str) -> tuple[str, ...]:
        """The types of a class's output slots.

        Raises:
            KeyError: no such class.
        """
        return tuple(cast("list[str]", self.classes[class_type]["output"]))

    def is_output(self, class_type: str) -> bool:
        """Whether nodes of this class save something, and so make a graph worth running."""
        return bool(self.classes[class_type]["output_node"])

    def object_info(self, input_files: Sequence[str]) -> dict[str, Json]:
        """Every class as `GET /object_info` shows it, with the files that can be loaded now."""
        shown = copy.deepcopy(self.classes)
        for name in ("LoadImage", "LoadImageMask"):
            sections = cast("dict[str, dict[str, list[object]]]", shown[name]["input"])
            _choices(sections["required"]["image"])[:] = input_files
        return shown


def _choices(spec: list[object]) -> list[object]:
    """The list of choices inside a description, in its old form or its new one."""
    if isinstance(spec[0], list):
        return cast("list[object]", spec[0])
    return cast("dict[str, list[object]]", spec[1])["options"]
