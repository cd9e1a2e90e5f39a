"""A picture to be changed under a mask: what is to change, and where its pictures are to be had.

How a row spells it is known to `retouching`. The pictures themselves, which are large and may be
part of the row, never travel in these values: a field's place and its content's hash stand for one.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Attached:
    """A picture with a row of its own in `quel_attach`."""

    field: str
    attach_id: int


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A picture in our storage that the order names by its public address."""

    field: str
    key: str


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """A picture inside the row's input; `sha256` tells that it is still the one that was read."""

    field: str
    sha256: str


Source = Attached | Stored | Embedded
"""Where a picture is to be had; `field` is its place in the order, such as `maskDataUrl`."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """What is to become of what one colour covers; without words, what the reference shows."""

    colour: str
    prompt: str = ""
    reference: Source | None = None


@dataclass(frozen=True, kw_only=True)
class Retouch:
    """A picture and the part of it that changes.

    Attributes:
        original: what stays as it is outside the mask.
        mask: strokes in the colours of the layers, transparent where nothing changes.
        layers: what the colours mean, where they mean different things.
        reference: a picture of what is wanted in the whole mask.
        ratio: such as `16:9`, where the picture is to get other proportions; empty to keep them.
    """

    original: Source
    mask: Source
    layers: tuple[Layer, ...] = ()
    reference: Source | None = None
    ratio: str = ""

    @property
    def references(self) -> tuple[Source, ...]:
        """The pictures of what is wanted: for the whole mask, then by layer."""
        found = (self.reference, *(layer.reference for layer in self.layers))
        return tuple(source for source in found if source is not None)
