"""The customer's reference pictures: fetched once per job, checked, and put together as sheets.

Which references an order uses, and in which role, its category has decided.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.job import Reference
from quel_dagster.model.spec import Sheet, Spec
from quel_dagster.pipeline.pictures import NotAPicture, check, sheet
from quel_dagster.services.storage import Storage
from quel_dagster.services.store import JobStore


@dataclass(frozen=True, kw_only=True)
class Enclosure:
    """What is uploaded for one picture, as PNG, JPEG or WebP bytes.

    `references` are in the order in which the words number them. `size` is the width and height of
    the picture in place of its spec's, where the pictures decide it.
    """

    references: tuple[bytes, ...] = ()
    mask: bytes | None = None
    size: tuple[int, int] | None = None

    def sized(self, spec: Spec) -> Spec:
        """The spec with the size that the picture has with these enclosed."""
        width, height = self.size or (spec.width, spec.height)
        return replace(spec, width=width, height=height)


@dataclass(frozen=True, kw_only=True)
class Enclosures:
    """The enclosure of each slot, or why it cannot be had."""

    ready: Mapping[int, Enclosure]
    refused: Mapping[int, InvalidJob]

    def check(self) -> None:
        """Makes sure that something is left to render.

        Raises:
            InvalidJob: every slot is refused; tells each reason once.
        """
        if self.ready or not self.refused:
            return
        reasons = {str(error): error for error in self.refused.values()}
        first, *others = reasons
        problem = "; ".join([reasons[first].problem, *others])
        raise InvalidJob(reasons[first].field, problem)


def enclose(store: JobStore, storage: Storage, specs: Iterable[Spec]) -> Enclosures:
    """The pictures to send for these specs, each made once however many specs share it.

    A reference that is missing or broken refuses the slots that show it and no others: no picture
    goes without what its customer supplied, not even without its background (W-47).

    Raises:
        StorageAway, Unavailable: S3 or PostgreSQL could not be reached.
    """
    wanted = list(specs)
    sheets = (found for spec in wanted for found in spec.scene.sheets)
    files = fetch(store, storage, [found for each in sheets for found in each.references])
    table = Table(files)
    ready: dict[int, Enclosure] = {}
    refused: dict[int, InvalidJob] = {}
    for spec in wanted:
        try:
            ready[spec.slot] = Enclosure(references=table.lay(spec))
        except InvalidJob as error:
            refused[spec.slot] = error
    return Enclosures(ready=ready, refused=refused)


def fetch(
    store: JobStore, storage: Storage, references: Sequence[Reference]
) -> dict[int, bytes | str]:
    """The file behind each `quel_attach` id, a picture for certain, or what is wrong with it."""
    numbers = list(dict.fromkeys(reference.attach_id for reference in references))
    keys = store.reference_keys(numbers) if numbers else {}
    return {number: read(storage, number, keys.get(number)) for number in numbers}


def read(storage: Storage, number: int, key: str | None) -> bytes | str:
    """One file, or what is wrong with it."""
    if key is None:
        return f"reference {number} has no file in quel_attach; upload it again"
    data = storage.fetch(key)
    if data is None:
        return f"reference {number} is not in storage at {key}; upload it again"
    try:
        check(data)
    except NotAPicture as error:
        return f"reference {number} {error}"
    return data


class Table:
    """Lays references out as sheets. A sheet is made once, however many pictures show it."""

    def __init__(self, files: Mapping[int, bytes | str]) -> None:
        self._files = files
        self._sheets: dict[tuple[Sheet, tuple[int, int] | None], bytes] = {}

    def lay(self, spec: Spec) -> tuple[bytes, ...]:
        """The sheets of one picture, in the order of their numbers.

        A grid is fitted into the picture's size, unless that is a square; so production does it.

        Raises:
            InvalidJob: a reference cannot be used; names its field.
        """
        fit = None if spec.width == spec.height else (spec.width, spec.height)
        return tuple(
            self._sheet(found, fit if len(found.references) > 1 else None)
            for found in spec.scene.sheets
        )

    def _sheet(self, wanted: Sheet, fit: tuple[int, int] | None) -> bytes:
        if (wanted, fit) not in self._sheets:
            members = [self._file(reference) for reference in wanted.references]
            self._sheets[wanted, fit] = sheet(members, fit)
        return self._sheets[wanted, fit]

    def _file(self, reference: Reference) -> bytes:
        match self._files[reference.attach_id]:
            case str(problem):
                raise InvalidJob(reference.where, problem)
            case data:
                return data
