"""What one picture is to show: the parts a category makes of an order, and how they read as text.

Which order becomes which parts is known to the categories; how a graph takes them, to `workflow`.
"""

from dataclasses import dataclass
from pathlib import Path

from quel_dagster.model.job import Reference
from quel_dagster.model.retouch import Retouch


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """References that go to the renderer as one picture, in one role.

    One member is sent as it is; several become a grid.
    """

    role: str
    references: tuple[Reference, ...]

    @property
    def attach_ids(self) -> tuple[int, ...]:
        """The members' `quel_attach` ids, in their order on the sheet."""
        return tuple(reference.attach_id for reference in self.references)

    def caption(self, number: int) -> str:
        """The sentence that introduces the sheet as the picture of this number."""
        if len(self.references) == 1:
            return f"Image {number} shows the {self.role}."
        return f"Image {number} is a sheet of {len(self.references)} pictures: the {self.role}."


@dataclass(frozen=True, kw_only=True)
class Camera:
    """Where the camera stands and how much it shows, in words; empty where nothing is said."""

    angle: str = ""
    framing: str = ""

    def __str__(self) -> str:
        return ", ".join(filter(None, (self.angle, self.framing)))


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a picture shows, part by part. `positive` and `negative` are the one place of its text.

    Attributes:
        description: the customer's own words, whole and untouched.
        subject: what is shown, in the category's words.
        setting: where it is.
        camera: as the order asks.
        assumed: the camera that gives way to the description.
        finish: how it is made: a drawing's effect, a photograph's light.
        sheets: the references by role; the words number them from 1, in this order.
        never: what must not be seen.
        notes: what was understood otherwise than it was written.
        retouch: the picture that is changed, where one is; it is sent in place of sheets.
    """

    description: str
    subject: str = ""
    setting: str = ""
    camera: Camera = Camera()
    assumed: Camera = Camera()
    finish: str = ""
    sheets: tuple[Sheet, ...] = ()
    never: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    retouch: Retouch | None = None

    @property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """What there is to say, each with what it is about, in the order of the text."""
        captions = (sheet.caption(number) for number, sheet in enumerate(self.sheets, start=1))
        asked, assumed = str(self.camera), str(self.assumed)
        cameras = (
            asked and f"Camera: {asked}.",
            assumed and f"Camera, unless the description says otherwise: {assumed}.",
        )
        said = (
            ("references", " ".join(captions)),
            ("subject", self.subject),
            ("setting", self.setting),
            ("camera", " ".join(filter(None, cameras))),
            ("customer", self.description),
            ("finish", self.finish),
        )
        return tuple((about, text) for about, text in said if text)

    @property
    def positive(self) -> str:
        """The parts there are, a line each."""
        return "\n".join(text for _, text in self.parts)

    @property
    def negative(self) -> str:
        """What must not be seen, each once."""
        return ", ".join(dict.fromkeys(filter(None, self.never)))


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One picture as the renderer is asked for it: a scene with its size and its seed.

    `width` and `height` are pixels, both 0 where the picture that is changed decides; `seed` is 0
    to 2**63 - 1.
    """

    slot: int
    scene: Scene
    width: int
    height: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything `produce` needs beside the job: the graph's file, and one spec per slot.

    `notes` tell the log what was understood otherwise than it was written.
    """

    workflow: Path
    specs: tuple[Spec, ...]
    notes: tuple[str, ...] = ()
