"""Which references of an order are sent, on which picture, under which number in the text.

Pure values, no Dagster. The words around the numbers are joined in `composing`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.job import Reference, Sheet

UNSAID = "none"
"""The kind of a reference whose customer did not say what it shows."""

FIELD = "individualImageAttachIds"


@dataclass(frozen=True, kw_only=True)
class Role:
    """What a reference can be for.

    Attributes:
        name: how the text calls one such reference.
        many: how it calls several; `name` with an s where this is empty.
        kinds: the kinds of reference that take this role.
        limit: how many there may be. Of a role for one the last reference counts, as it does in
            production; more than a higher limit are refused. None for any number.
    """

    name: str
    kinds: tuple[str, ...]
    many: str = ""
    limit: int | None = None

    def call(self, number: int) -> str:
        """The role's name for so many references."""
        return self.name if number == 1 else self.many or f"{self.name}s"

    def admit(self, references: tuple[Reference, ...]) -> tuple[Reference, ...]:
        """The references that count.

        Raises:
            InvalidJob: there are more than the limit.
        """
        if self.limit is None or len(references) <= self.limit:
            return references
        if self.limit == 1:
            return references[-1:]
        raise InvalidJob(
            FIELD, f"{len(references)} {self.call(2)} are too many; use at most {self.limit}"
        )


BACKGROUND = Role(name="background", kinds=("background", "bg"), limit=1)
"""The same in every category."""

REFERENCE = Role(name="reference", kinds=(UNSAID,))
"""How the text calls a picture of which nobody said what it shows, whatever role it takes."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """One of the pictures sent along, as the text speaks of it: `str` gives `image 2`.

    Its length is the number of references on it, so it is false when the order has none.
    """

    number: int
    sheet: Sheet

    def __str__(self) -> str:
        return f"image {self.number}"

    def __len__(self) -> int:
        return len(self.sheet.attach_ids)

    @property
    def caption(self) -> str:
        """The sentence that introduces the picture."""
        if len(self) == 1:
            return f"Image {self.number} shows the {self.sheet.role}."
        return f"Image {self.number} is a sheet of {len(self)} pictures: the {self.sheet.role}."


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The one list that decides both the pictures and their numbers in the text (W-37, W-41).

    ComfyUI takes three: the hero, one sheet of everything else, and the background.

    Attributes:
        unsaid: whether a reference on the sheet of the rest came without saying what it shows.
    """

    hero: Image
    rest: Image
    background: Image
    unsaid: bool = False

    @property
    def images(self) -> tuple[Image, ...]:
        """The pictures there are, in the order of their numbers."""
        return tuple(image for image in (self.hero, self.rest, self.background) if image)

    @property
    def is_open(self) -> bool:
        """Whether the description alone says what the picture shows.

        So it is without references, and with references of which nobody said what they show:
        nothing may be ruled out of such a picture (W-40).
        """
        return not self.hero and (self.unsaid or not self.images)

    @property
    def has_subject(self) -> bool:
        """Whether the references themselves say what the picture shows."""
        return bool(self.hero or self.rest) and not self.is_open

    @property
    def may_show_people(self) -> bool:
        """Whether words about a body, such as head to toe, have a body to mean."""
        return bool(self.hero) or not self.images


@dataclass(frozen=True, kw_only=True)
class Roles:
    """A category's one table from kind to role, for every shape of job (W-46)."""

    path: str
    hero: Role
    rest: tuple[Role, ...]

    def sort(self, references: Iterable[Reference]) -> Manifest:
        """The references by role, in the order given; pictures are numbered by what is there.

        Raises:
            InvalidJob: a kind that is in no role, or too many references for a role.
        """
        members: dict[str, tuple[Reference, ...]] = {}
        for reference in references:
            role = self._role_of(reference)
            members[role.name] = (*members.get(role.name, ()), reference)
        hero = _image(1, (self.hero,), members)
        rest = _image(1 + bool(hero), self.rest, members)
        background = _image(1 + bool(hero) + bool(rest), (BACKGROUND,), members)
        unsaid = any(r.kind == UNSAID for role in self.rest for r in members.get(role.name, ()))
        return Manifest(hero=hero, rest=rest, background=background, unsaid=unsaid)

    def _role_of(self, reference: Reference) -> Role:
        roles = (self.hero, *self.rest, BACKGROUND)
        for role in roles:
            if reference.kind in role.kinds:
                return role
        known = ", ".join(sorted(kind for role in roles for kind in role.kinds))
        raise InvalidJob(
            FIELD,
            f"reference {reference.attach_id}: kind {reference.kind!r} is not one {self.path} "
            f"knows; use one of {known}",
        )


def _image(
    number: int, roles: tuple[Role, ...], members: Mapping[str, tuple[Reference, ...]]
) -> Image:
    admitted: list[Reference] = []
    called: dict[Role, int] = {}
    for role in roles:
        for reference in role.admit(members.get(role.name, ())):
            admitted.append(reference)
            name = REFERENCE if reference.kind == UNSAID else role
            called[name] = called.get(name, 0) + 1
    sheet = Sheet(
        role=" and ".join(role.call(number) for role, number in called.items()),
        attach_ids=tuple(reference.attach_id for reference in admitted),
    )
    return Image(number=number, sheet=sheet)
