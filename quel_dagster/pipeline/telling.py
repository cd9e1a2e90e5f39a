"""An order in words for a person who has never seen the code: what was ordered, what is made of it.

Text only: everything it tells was found out in `explaining`.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from textwrap import wrap

from quel_dagster.model.job import NO_PATH, Job, Order
from quel_dagster.model.retouching import MODIFY
from quel_dagster.model.spec import Spec
from quel_dagster.pipeline.explaining import Planned, Sent, Supplied
from quel_dagster.pipeline.titles import MODEL

WIDTH = 100
INDENT = "  "
UNSEEN = "\N{REPLACEMENT CHARACTER}"
COLUMN = 16
"""Characters of a label and the space after it."""


def tell_job(job: Job, price: int) -> str:
    """How the order was read: what it asks for, its path and why, who pays how much."""
    number = len(job.orders)
    pictures = f"{number} picture{'' if number == 1 else 's'}"
    payer = job.payer
    who = f"organization {payer.org_id}" if payer.org_id else f"member {payer.member_id}"
    lines = [
        *labelled("order", f"{job.job_type} for {pictures}"),
        *labelled("path", routed(job.path, job.requested_path)),
        *labelled("price", f"{number} x {price} = {number * price} credits, paid by {who}"),
    ]
    return "\n".join(lines)


def routed(path: str, requested: str | None) -> str:
    """Which rule led to the path that serves the order."""
    if path == MODIFY:
        named = f", before its path {requested!r} is looked at" if requested else ""
        return f"{path}, because it brings a mask to retouch a picture under{named}"
    if requested is None:
        return f"{path}, because the order names it"
    why = "the order names none" if requested == NO_PATH else f"nobody serves {requested!r}"
    return f"{path}, the fallback, because {why}"


def tell_pictures(pictures: Sequence[Planned], notes: Iterable[str] = ()) -> str:
    """Each picture, those that only their seeds tell apart together."""
    lines = [line for note in notes for line in labelled("note", note)]
    graph = ""
    for alike in together(pictures):
        told = alike[0].problem or "\n".join(summary(alike[0]))
        lines += ["", *_tell_alike(alike, len(pictures))]
        lines += labelled("graph", "the same" if told == graph else told)
        graph = told
    return "\n".join(lines)


def together(pictures: Sequence[Planned]) -> list[list[Planned]]:
    """Neighbours that only their seeds tell apart."""
    return [list(alike) for _, alike in groupby(pictures, key=lambda picture: picture.likeness)]


def _tell_alike(alike: Sequence[Planned], total: int) -> Iterator[str]:
    picture = alike[0]
    spec = picture.spec
    first, last = spec.slot + 1, alike[-1].spec.slot + 1
    yield (
        f"picture {first} of {total}" if first == last else f"pictures {first} to {last} of {total}"
    )
    yield from labelled("asked for", asked_for(picture.order))
    yield from labelled("size", size_of(spec))
    seeds = ", ".join(str(each.spec.seed) for each in alike)
    yield from labelled("seed" if first == last else "seeds", seeds)
    for sent in picture.sent:
        yield from labelled(sent.title, "\n".join(described(sent)))
    yield f"{INDENT}prompt"
    for about, text in spec.scene.parts:
        yield from labelled(f"{INDENT}{about}", text)
    yield from labelled("never", spec.scene.negative)


def asked_for(order: Order) -> str:
    """The order's own words for the camera, the shape and the effect."""
    named = (
        ("angle", order.angle),
        ("shot", order.shot),
        ("effect", order.fx),
        ("ratio", order.ratio),
        ("seed", "" if order.seed is None else str(order.seed)),
    )
    words = ", ".join(f"{name} {word}" for name, word in named if word)
    edited = ", of pictures that were retouched before" if order.pre_edited else ""
    where = f" ({order.where})" if order.where else ""
    return f"{words or 'a picture'}{edited}{where}"


def size_of(spec: Spec) -> str:
    """The size of the picture that is made."""
    if spec.width and spec.height:
        return f"{spec.width} x {spec.height} pixels"
    return "that of the picture that is changed"


def described(sent: Sent) -> Iterator[str]:
    """What a picture that is sent along shows, and what it is made of."""
    if len(sent.supplied) == 1:
        yield f"{sent.role}: {found(sent.supplied[0], sent.role)}"
        return
    yield f"{sent.role}, made of {len(sent.supplied)} pictures:"
    for supplied in sent.supplied:
        yield f"- {found(supplied)}"


def found(supplied: Supplied, role: str = "") -> str:
    """A supplied picture and where it lies; what it shows where that is not its role anyway."""
    if supplied.attach_id is None:
        return supplied.place
    shows = f" ({supplied.shows})" if supplied.shows not in ("", role) else ""
    place = supplied.place or "without a file: upload it again"
    return f"attachment {supplied.attach_id}{shows}, {place}"


def summary(picture: Planned) -> Iterator[str]:
    """What is worth knowing of the graph: its file, its model files, how it samples."""
    yield f"{len(picture.graph)} of the {picture.nodes} nodes of {picture.workflow}"
    for node in picture.graph.values():
        match node:
            case {"class_type": str(name), "_meta": {"title": str(title)}, "inputs": {**inputs}}:
                told = [
                    f"{key} {value}"
                    for key, value in inputs.items()
                    if key in MODEL or (title == "seed" and is_plain(key, value))
                ]
                if told:
                    yield f"{name}: {', '.join(told)}"
            case _:
                pass


def is_plain(key: str, value: object) -> bool:
    """Whether an input is a setting, and not a link or the picture's seed."""
    return isinstance(value, str | int | float) and "seed" not in key


def labelled(label: str, text: str) -> Iterator[str]:
    """Lines with a label in front of the first, wrapped, and aligned below each other.

    Characters that would steer a terminal, which a customer may have typed, are shown as one mark.
    """
    margin = " " * COLUMN
    lines = [part for line in text.splitlines() or [""] for part in fold(printable(line))]
    for number, line in enumerate(lines):
        yield f"{f'{INDENT}{label}':{COLUMN}}{line}" if number == 0 else f"{margin}{line}"


def printable(line: str) -> str:
    """The line with a mark for everything that cannot be seen."""
    return "".join(character if character.isprintable() else UNSEEN for character in line)


def fold(line: str) -> list[str]:
    """A line in lines short enough to read; keys and other long words stay whole."""
    return wrap(line, WIDTH - COLUMN, break_long_words=False, break_on_hyphens=False) or [""]
