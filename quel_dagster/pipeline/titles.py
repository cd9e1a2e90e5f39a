"""The titles by which nodes of a workflow are found, and what is filled in where.

An operator's own graph works as well as a shipped one, as long as its nodes carry these titles.
"""

import re
from collections.abc import Mapping

REQUIRED = ("positive", "seed", "size", "output")
"""Titles that every workflow has once."""

OPTIONAL = ("negative", "mask")
"""Titles that a workflow may have once, beside `reference 1` and so on."""

INPUTS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "positive": (("prompt", "text"),),
    "negative": (("prompt", "text"),),
    "seed": (("seed", "noise_seed"),),
    "size": (("width",), ("height",)),
    "output": (("filename_prefix",),),
    "mask": (("image",),),
}
"""For each value a title takes: the names its input may have."""

REFERENCE = re.compile(r"reference (\d+)")
IMAGE = (("image",),)
MODEL = ("unet_name", "clip_name", "vae_name", "ckpt_name")


def inputs_of(title: str) -> tuple[tuple[str, ...], ...]:
    """What a title takes, as in `INPUTS`; empty for one that means nothing to us."""
    return IMAGE if REFERENCE.fullmatch(title) else INPUTS.get(title, ())


def meant(title: str) -> str | None:
    """The title that another spelling of it means: `reference 1` for `Reference_1`.

    None for a title that is right, and for one that means nothing to us.
    """
    plain = " ".join(re.sub(r"[_-]", " ", title).lower().split())
    plain = re.sub(r"^reference ?0*(\d+)$", r"reference \1", plain)
    return plain if plain != title and inputs_of(plain) else None
