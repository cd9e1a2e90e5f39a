"""How many pixels a ratio has. How the renderer is told them is known to the workflow alone."""

from collections.abc import Mapping

from quel_dagster.model.errors import InvalidJob

SIZES: Mapping[str, tuple[int, int]] = {
    "16:9": (1344, 768),
    "9:16": (768, 1344),
    "4:3": (1152, 896),
    "3:4": (896, 1152),
    "1:1": (1024, 1024),
    "4:5": (896, 1088),
}
"""Width and height by ratio: about one megapixel each, sides divisible by 16 for the latent."""


def pixels(ratio: str) -> tuple[int, int]:
    """Width and height of a ratio such as `16:9`.

    Raises:
        InvalidJob: the ratio is not one of `SIZES`.
    """
    size = SIZES.get(ratio.strip())
    if size is None:
        raise InvalidJob(
            "aspect-ratio", f"{ratio!r} is not a ratio we make; use one of {', '.join(SIZES)}"
        )
    return size
