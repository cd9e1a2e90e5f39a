"""How an order spells its words, ratio, quantity, seed and references, in every shape alike.

Each is read from one or several objects of the input, the more particular one first. Which ones
these are is known to `shapes`.
"""

from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.fields import Fields, as_fields, shown
from quel_dagster.model.job import MERGED, UNSAID, Reference
from quel_dagster.model.sizes import pixels

DEFAULT_PROMPT = "best quality, masterpiece"
"""What production renders when an order has no words."""

DEFAULT_RATIO = "16:9"

LARGEST = 2**63 - 1
"""Ids and seeds are bigint columns."""


def said(*places: tuple[Fields, str]) -> str:
    """The words of the first place that has some; every place is checked."""
    found = [fields.words(name) for fields, name in places]
    return next(filter(None, found), "")


def prompt_of(*places: tuple[Fields, str]) -> str:
    """The customer's words, trimmed and otherwise untouched, else production's."""
    prompt = said(*places)
    if not prompt:
        first, name = places[0]
        first.remark(name, f'no words; "{DEFAULT_PROMPT}" is rendered')
    return prompt or DEFAULT_PROMPT


def ratio_of(*parts: Fields) -> str:
    """`aspect-ratio`, else `aspectRatio`, of the first part that has one.

    Raises:
        InvalidJob: it is not one we make.
    """
    found = [ratio for part in parts if (ratio := ratio_in(part))]
    return next(iter(found), DEFAULT_RATIO)


def ratio_in(part: Fields) -> str:
    """What one object says; empty where it says nothing. Production reads `aspect-ratio` alone."""
    name = "aspect-ratio" if part.words("aspect-ratio") else "aspectRatio"
    ratio, other = part.words(name), part.get("aspectRatio")
    if (other.strip() if isinstance(other, str) else other) not in (None, "", ratio):
        part.remark("aspectRatio", f"{shown(other)}, but aspect-ratio {shown(ratio)} counts")
    try:
        if ratio:
            pixels(ratio)
    except InvalidJob as unknown:
        raise InvalidJob(part.path(name), unknown.problem) from None
    return ratio


def quantity_of(entry: Fields, default: int) -> int:
    """How many pictures an entry asks for.

    A missing quantity means the row's total where the entry stands alone, else one picture:
    production took the total for each of them and made too many (W-19).
    """
    quantity = entry.count("quantity")
    if quantity is None:
        quantity = max(default, 1)
        entry.remark("quantity", f"missing; read as {quantity}")
    return quantity


def is_pre_edited(*parts: Fields) -> bool:
    """Whether the references were retouched before, by the first part that says it (W-43)."""
    found = [part.flag("isPreEdited") for part in parts if part.has("isPreEdited")]
    return next(iter(found), False)


def seed_of(*parts: Fields) -> int | None:
    """The seed of the first part that has one."""
    found = [(part.path("seed"), part.count("seed", least=0)) for part in parts]
    seeds = [as_bigint(where, seed) for where, seed in found if seed is not None]
    return next(iter(seeds), None)


def references_in(part: Fields) -> tuple[Reference, ...]:
    """The references one by one, else the sheet into which an old front end had merged them."""
    found = references_of(part, "individualImageAttachIds")
    if found:
        part.pass_over("mergedImageAttachId")
    return found or sheet_of(part, "mergedImageAttachId", MERGED)


def references_of(part: Fields, name: str) -> tuple[Reference, ...]:
    """`{attachId, type}` objects or plain ids, in their order."""
    found: list[Reference] = []
    for where, item in part.items(name):
        if isinstance(item, dict):
            entry = as_fields(where, item, part.reading)
            number = attach_id_of(entry, entry.path("attachId"), entry.get("attachId"))
            kind = entry.words("type").lower() or UNSAID
        else:
            number, kind = attach_id_of(part, where, item), UNSAID
        found.append(Reference(attach_id=number, kind=kind, where=where))
    return tuple(found)


def sheet_of(part: Fields, name: str, kind: str) -> tuple[Reference, ...]:
    """The one picture into which an old front end had merged all it had; none where it is null."""
    value, where = part.get(name), part.path(name)
    if value is None:
        return ()
    return (Reference(attach_id=attach_id_of(part, where, value), kind=kind, where=where),)


def attach_id_of(part: Fields, where: str, value: object) -> int:
    """An id of `quel_attach`, which may be a text (W-04).

    Raises:
        InvalidJob: it is no id.
    """
    return as_bigint(where, part.number(where, value))


def as_bigint(where: str, number: int) -> int:
    """A number that PostgreSQL can hold.

    Raises:
        InvalidJob: it cannot.
    """
    if number > LARGEST:
        raise InvalidJob(where, f"expected a number up to {LARGEST}, got {shown(number)}")
    return number
