"""A job as every other module knows it: who ordered, on which path, and one order per picture.

How a row spells all this is known to `parsing` alone; nothing here knows job types.
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid5

from quel_dagster.model.status import JobStatus, SlotState

PROMPT_IDS = UUID("5b0f3c1e-6c53-4d3c-9d3e-3f0d5a4b9c11")
"""Namespace of our prompt ids: the same job, slot and generation always give the same id."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A picture the customer supplied, by its `quel_attach` id, and what it shows."""

    attach_id: int
    kind: str


@dataclass(frozen=True, kw_only=True)
class Order:
    """One picture to make, as the customer asked for it.

    `angle` and `shot` are empty where the order does not say; the category has its own defaults.
    `ratio` is a name such as `16:9`.
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


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """References that go to the renderer as one picture, in one role.

    One member is sent as it is; several become a grid.
    """

    role: str
    attach_ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a category makes of an order: the words, and the pictures the words number from 1."""

    positive: str
    negative: str = ""
    sheets: tuple[Sheet, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One picture as the renderer is asked for it: a scene with its size and its seed.

    `width` and `height` are pixels; `seed` is 0 to 2**63 - 1.
    """

    slot: int
    scene: Scene
    width: int
    height: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything `produce` needs beside the job: the graph's file, and one spec per slot."""

    workflow: Path
    specs: tuple[Spec, ...]


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
    `needs_ring` one that is free and too young for a tick to find it without a ring.
    """

    job_id: UUID
    status: str | None
    path: str | None
    job_type: str
    input_type: str
    attempts: int
    rung: bool
    needs_ring: bool


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

    `stopped` says why pictures were left out; None when every slot was tried.
    """

    cancelled: bool = False
    stopped: str | None = None


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
