"""A job as every other module knows it: who ordered, on which path, and one order per picture.

How a row spells all this is known to `parsing` alone; nothing here knows job types.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid5

from quel_dagster.model.retouch import Retouch
from quel_dagster.model.status import JobStatus, SlotState

PROMPT_IDS = UUID("5b0f3c1e-6c53-4d3c-9d3e-3f0d5a4b9c11")
"""Namespace of our prompt ids: the same job, slot and generation always give the same id."""

UNSAID = "none"
"""The kind of a reference of which nobody said what it shows."""

MERGED = "merged"
"""The kind of a sheet that an old front end put together: nobody knows of how many pictures."""

NO_PATH = "none"
"""How a row that names no path is shown in `requested_path`, and so in `quel/requested_path`."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A picture the customer supplied, by its `quel_attach` id, and what it shows.

    Attributes:
        kind: in the front end's words, or `UNSAID`, or `MERGED`.
        where: its place in the order's JSON, for errors; two references do not differ by it.
    """

    attach_id: int
    kind: str
    where: str = field(default="individualImageAttachIds", compare=False)


@dataclass(frozen=True, kw_only=True)
class Order:
    """One picture to make, as the customer asked for it.

    Attributes:
        angle: empty where the order does not say, as is `shot`; the category has its own defaults.
        ratio: a name such as `16:9`.
        seed: for the first of the pictures ordered alike; None has one derived for each.
        copy: the number of this picture among those ordered alike, from 0.
        own_camera: the description directs the camera, as that of a stage does: none is assumed.
        free: the description directs everything, as that of a simple order does: the category
            assumes nothing and rules nothing out.
        where: the order's place in the JSON, such as `stages[1]`; empty for the whole input.
        retouch: the picture to change, where the order changes one; its ratio may be empty then.
    """

    slot: int
    prompt: str
    angle: str = ""
    shot: str = ""
    fx: str = ""
    ratio: str = "16:9"
    negative: str = ""
    pre_edited: bool = False
    references: tuple[Reference, ...] = ()
    seed: int | None = None
    copy: int = 0
    own_camera: bool = False
    free: bool = False
    where: str = ""
    retouch: Retouch | None = None

    def place(self, name: str) -> str:
        """Where a field of the order stands in the JSON, such as `combinations[1].fx`."""
        return f"{self.where}.{name}" if self.where else name


@dataclass(frozen=True, kw_only=True)
class Payer:
    """Who pays: an organization when `org_id` is set, else the member.

    `member_id` is the orderer in both cases; None when the row names nobody.
    """

    member_id: UUID | None
    org_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """An attempt's right to write to a job. Every write carries it (`quel.attempt.claim_id`)."""

    job_id: UUID
    claim_id: UUID
    attempt: int = 1


@dataclass(frozen=True, kw_only=True)
class Job:
    """An opened job: its ticket, its payer and its orders, one per picture in slot order."""

    ticket: Ticket
    path: str
    requested_path: str | None
    job_type: str
    production_id: UUID
    payer: Payer
    orders: tuple[Order, ...]
    warnings: tuple[str, ...] = ()

    @property
    def id(self) -> UUID:
        """The row's `job_id`."""
        return self.ticket.job_id


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A stored picture, ready to be attached and charged."""

    slot: int
    key: str
    size: int
    seed: int
    backend: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """A row of `quel_production_jobs` as its attempt opens it."""

    ticket: Ticket
    path: str
    requested_path: str | None
    job_type: str
    production_id: UUID
    total_images: int
    input: object
    payer: Payer


@dataclass(frozen=True, kw_only=True)
class WaitingRow:
    """A row at the front door: enough to route it, without its possibly huge input.

    `input_type` is PostgreSQL's `jsonb_typeof`, or `empty` for an object or array without members.
    `attempts` counts those made so far; `rung` tells a row rung for in this tick from one found;
    `needs_ring` one that is free and too young for a tick to find it without a ring. `retouch`
    tells one whose picture is to be changed under a mask, whatever its path.
    """

    job_id: UUID
    status: str | None
    path: str | None
    job_type: str
    input_type: str
    attempts: int
    rung: bool
    needs_ring: bool
    retouch: bool


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """A job let in by the front door: the ticket its run must show, and what to tag it with."""

    ticket: Ticket
    path: str
    requested_path: str | None
    production_id: UUID
    member_id: UUID | None
    job_type: str


@dataclass(frozen=True, kw_only=True)
class Slot:
    """Where one picture stands in the store (`quel.slot`)."""

    slot: int
    state: SlotState
    generation: int = 0
    backend: str | None = None
    key: str | None = None


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What a job has used up in all its attempts since it was ordered.

    `renders` counts those beyond the first of each picture; `time` runs since the job first began.
    """

    renders: int
    time: timedelta


@dataclass(frozen=True, kw_only=True)
class Production:
    """What `produce` did in this attempt, beyond the slots the store already knows.

    `stopped` says why pictures were left out; None when every slot was tried. `failure` is the kind
    of error that stopped it (`errors.kind_of`).
    """

    cancelled: bool = False
    stopped: str | None = None
    failure: str = ""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a job came to."""

    status: JobStatus
    delivered: int
    failed: int
    message: str | None = None


def prompt_id(job_id: UUID, slot: int, generation: int) -> UUID:
    """The id under which a picture is known to ComfyUI; `generation` rises when one was lost."""
    return uuid5(PROMPT_IDS, f"{job_id}/{slot}/{generation}")
