"""Which references of an order are sent, on which picture, under which number in the text.

Pure values, no Dagster. The words around the numbers are joined in `composing`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.job import MERGED, UNSAID, Order, Reference
from quel_dagster.model.spec import Sheet

MOST_SHEETS = 3
"""Pictures that the encoder of the shipped graphs takes (TextEncodeQwenImageEditPlus)."""


@dataclass(frozen=True, kw_only=True)
class Role:
    """What a reference can be for.

    Attributes:
        name: how the text calls one such reference.
        many: how it calls several; `name` with an s where this is empty.
        kinds: the kinds of reference that take this role.
        limit: how many a picture takes; None for any number. Of a role for one the last counts, as
            it does in production; more than a higher limit are refused.
        in_turn: of a role for one, each of the pictures ordered alike takes the next.
    """

    name: str
    kinds: tuple[str, ...]
    many: str = ""
    limit: int | None = None
    in_turn: bool = False

    def call(self, number: int) -> str:
        """The role's name for so many references."""
        return self.name if number == 1 else self.many or f"{self.name}s"

    def admit(self, references: Sequence[Reference], copy: int) -> tuple[Reference, ...]:
        """The references that count, for the `copy`th of the pictures ordered alike.

        Raises:
            InvalidJob: there are more than the limit.
        """
        if self.limit is None or len(references) <= self.limit:
            return tuple(references)
        if self.limit == 1:
            return (references[copy % len(references) if self.in_turn else -1],)
        surplus = references[self.limit]
        raise InvalidJob(
            surplus.where,
            f"reference {surplus.attach_id} is one too many: {len(references)} {self.call(2)} in "
            f"one picture; use at most {self.limit}",
        )


BACKGROUND = Role(name="background", kinds=("background", "bg"), limit=1)
"""Where one background is enough for all pictures."""

BACKGROUNDS_IN_TURN = replace(BACKGROUND, in_turn=True)
"""Where several backgrounds make several pictures."""

REFERENCE = Role(name="reference", kinds=(UNSAID,))
"""How the text calls a picture of which nobody said what it shows, whatever role it takes."""


@dataclass(frozen=True, kw_only=True)
class Images:
    """Some of the pictures sent along, as the text speaks of them: `image 2 and image 3`.

    Their length is the number of references on them, so they are false when there are none.

    Attributes:
        first: the number of the first of them.
    """

    first: int
    sheets: tuple[Sheet, ...]

    def __str__(self) -> str:
        return " and ".join(self._numbers())

    def __len__(self) -> int:
        return sum(len(sheet.references) for sheet in self.sheets)

    @property
    def things(self) -> str:
        """What they show, and where: `the clothing of image 2 and the props of image 3`."""
        pairs = zip(self.sheets, self._numbers(), strict=True)
        return " and ".join(f"the {sheet.role} of {number}" for sheet, number in pairs)

    def count(self, one: str, many: str) -> str:
        """`exactly 2 products`, but `the products` where a merged sheet hides their number."""
        if any(r.kind == MERGED for sheet in self.sheets for r in sheet.references):
            return f"the {many}"
        return f"exactly {len(self)} {one if len(self) == 1 else many}"

    def _numbers(self) -> list[str]:
        return [f"image {number}" for number, _ in enumerate(self.sheets, start=self.first)]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The one list that decides both the pictures and their numbers in the text (W-37, W-41).

    Attributes:
        hero: what the picture is about.
        rest: everything else, a sheet for each role, or one for all where three are too few.
        free: whether the order's description decides everything.
        unsaid: whether one of the rest came without saying what it shows, or is a merged sheet,
            which shows anything.
        notes: what was understood otherwise than it was written.
    """

    hero: Images
    rest: Images
    background: Images
    free: bool = False
    unsaid: bool = False
    notes: tuple[str, ...] = ()

    @property
    def sheets(self) -> tuple[Sheet, ...]:
        """The pictures to send, in the order of their numbers."""
        return (*self.hero.sheets, *self.rest.sheets, *self.background.sheets)

    @property
    def images(self) -> Images:
        """All of them, as the text speaks of them."""
        return Images(first=1, sheets=self.sheets)

    @property
    def is_open(self) -> bool:
        """Whether the description alone says what the picture shows.

        So it is in a free order, without references, and where nobody can know what they show:
        nothing may be ruled out of such a picture (W-40).
        """
        return self.free or not self.sheets or (self.unsaid and not self.hero)

    @property
    def has_subject(self) -> bool:
        """Whether the references themselves say what the picture shows."""
        return bool(self.hero or self.rest) and not self.is_open

    @property
    def may_show_people(self) -> bool:
        """Whether words about a body, such as head to toe, have a body to mean."""
        return bool(self.hero) or not self.sheets


@dataclass(frozen=True, kw_only=True)
class Roles:
    """A category's one table from kind to role, for every shape of job (W-46)."""

    path: str
    hero: Role
    rest: tuple[Role, ...]
    background: Role = BACKGROUND

    @property
    def all(self) -> tuple[Role, ...]:
        """The roles in the order in which their references are sent."""
        return (self.hero, *self.rest, self.background)

    def sort(self, order: Order) -> Manifest:
        """The order's references by role; pictures are numbered by what is there.

        A kind that is in no role is used as one that nobody said, and noted.

        Raises:
            InvalidJob: too many references for a role, or a kind that nothing can be done with.
        """
        role_of = {kind: role for role in self.all for kind in role.kinds}
        members: dict[Role, list[Reference]] = {}
        notes: list[str] = []
        for reference in order.references:
            known = reference
            if reference.kind not in role_of:
                notes.append(self._strange(reference))
                known = replace(reference, kind=UNSAID)
            members.setdefault(role_of[known.kind], []).append(known)
        admitted = {role: role.admit(found, order.copy) for role, found in members.items()}
        return self._numbered(admitted, free=order.free, notes=tuple(notes))

    def _strange(self, reference: Reference) -> str:
        problem = f"{self.path} knows no kind {reference.kind!r}"
        kinds = sorted(kind for role in self.all for kind in role.kinds)
        if UNSAID not in kinds:
            raise InvalidJob(
                reference.where,
                f"reference {reference.attach_id}: {problem}; use one of {', '.join(kinds)}",
            )
        return f"{reference.where}: {problem}; the reference is used as one of no kind"

    def _numbered(
        self,
        admitted: Mapping[Role, tuple[Reference, ...]],
        *,
        free: bool,
        notes: tuple[str, ...],
    ) -> Manifest:
        hero, background = _sheets([self.hero], admitted), _sheets([self.background], admitted)
        rest = tuple(sheet for role in self.rest for sheet in _sheets([role], admitted))
        if len(hero) + len(rest) + len(background) > MOST_SHEETS:
            rest = _sheets(self.rest, admitted)
        return Manifest(
            hero=Images(first=1, sheets=hero),
            rest=Images(first=1 + len(hero), sheets=rest),
            background=Images(first=1 + len(hero) + len(rest), sheets=background),
            free=free,
            unsaid=any(r.kind in (UNSAID, MERGED) for sheet in rest for r in sheet.references),
            notes=notes,
        )


def _sheets(
    roles: Sequence[Role], admitted: Mapping[Role, tuple[Reference, ...]]
) -> tuple[Sheet, ...]:
    """One sheet with the references of these roles, none where there are none."""
    references = [reference for role in roles for reference in admitted.get(role, ())]
    if not references:
        return ()
    called: dict[Role, int] = {}
    for role in roles:
        for reference in admitted.get(role, ()):
            name = REFERENCE if reference.kind == UNSAID else role
            called[name] = called.get(name, 0) + (2 if reference.kind == MERGED else 1)
    role = " and ".join(role.call(number) for role, number in called.items())
    return (Sheet(role=role, references=tuple(references)),)
