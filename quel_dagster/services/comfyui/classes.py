"""The node classes of a ComfyUI server, as `GET /object_info` describes them.

Pure values. What they mean for a graph is decided by who asks.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import Field, JsonValue, RootModel

from quel_dagster.services.comfyui.answers import Answer

ANY = "*"


@dataclass(frozen=True, kw_only=True)
class Input:
    """What an input takes.

    Attributes:
        kind: a type such as `IMAGE`; several, separated by commas, where it takes any of them.
        choices: what a value is chosen from, such as the model files of a folder; None where it is
            not chosen, or where the server does not tell.
        required: whether a node of the class must have it.
    """

    kind: str
    choices: tuple[JsonValue, ...] | None = None
    required: bool = False

    @property
    def is_dynamic(self) -> bool:
        """Whether its type, or the inputs below it (`codec.quality`), depend on the graph."""
        return self.kind.startswith("COMFY_")

    def takes(self, output: str) -> bool:
        """Whether an output of this type may be linked to it."""
        kinds, outputs = set(self.kind.split(",")), set(output.split(","))
        is_open = self.is_dynamic or output.startswith("COMFY_") or ANY in kinds | outputs
        return is_open or bool(kinds & outputs)


class Sections(Answer):
    """A class's inputs by name, each `[type or choices, options]`."""

    required: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    optional: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])


class NodeClass(Answer):
    """A class of nodes. An output is a type, or the list of what it may be."""

    input: Sections = Sections()
    output: tuple[JsonValue, ...] = ()

    def inputs(self) -> Iterator[tuple[str, Input]]:
        """Every input by name, the required ones first."""
        for name, spec in self.input.required.items():
            yield name, _read(spec, required=True)
        for name, spec in self.input.optional.items():
            yield name, _read(spec, required=False)

    def outputs(self) -> list[str]:
        """The type of each output slot."""
        return [kind if isinstance(kind, str) else "COMBO" for kind in self.output]


class ObjectInfo(RootModel[dict[str, NodeClass]]):
    """`GET /object_info`: every class by its name."""


def _read(spec: JsonValue, *, required: bool) -> Input:
    """An input in any of its forms; a file to be uploaded is not chosen from what is there.

    The forms are `[choices, options]`, since V3 `["COMBO", {"options": choices}]`, and for all that
    is not chosen `[type, options]`.
    """
    match spec:
        case [list() | "COMBO", {**options}] if any(name.endswith("_upload") for name in options):
            return Input(kind="COMBO", required=required)
        case [list(choices), *_] | ["COMBO", {"options": list(choices)}, *_]:
            return Input(kind="COMBO", choices=tuple(choices), required=required)
        case [str(kind), *_]:
            return Input(kind=kind, required=required)
        case _:
            return Input(kind=ANY, required=required)
