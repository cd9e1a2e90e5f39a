"""Jobs of the past, of every kind there is, and the statistics as anybody would count them."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import count
from uuid import UUID, uuid4

import sqlalchemy as sa

from quel_dagster.model.status import FINAL, JobStatus, Phase, SlotState
from quel_dagster.services.path_hours import HOUR, PathHour
from quel_dagster.services.tables import attempt, cut_off, job, photo, slot

PATHS = ("beauty", "fashion", "modify")
NAMED = ("beauty", "fashion", " Fashion ", "sculpture", "", None)
KINDS = ("invalid_job", "backend_away", "every_picture", None)
_attach_ids = count(1)

Row = dict[str, object]


def this_hour() -> datetime:
    """When the running hour began."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def found_house(engine: sa.Engine, ago: timedelta) -> None:
    """Lets our first day have been a while ago."""
    then = datetime.now(UTC) - ago
    with engine.begin() as tx:
        tx.execute(sa.delete(cut_off))
        tx.execute(sa.insert(cut_off).values(recorded_at=then, created_after=then))


def new_photo(tx: sa.Connection) -> UUID:
    key = photo.c.production_id
    return tx.execute(sa.insert(photo).values(production_name="Summer").returning(key)).scalar_one()


def add_job(engine: sa.Engine, **values: object) -> UUID:
    """One row as it stands, waiting unless told otherwise."""
    given: Row = {
        "job_id": uuid4(),
        "job_type": "single_batch",
        "total_images": 1,
        "job_input_data": {},
        "job_status": JobStatus.PENDING,
        "quel_production_path": "fashion",
    }
    with engine.begin() as tx:
        row = {**given, "production_id": new_photo(tx), **values}
        tx.execute(sa.insert(job).values(**row, batch_index=0))
    return UUID(str(row["job_id"]))


def add_attempt(engine: sa.Engine, job_id: UUID, path: str, **values: object) -> None:
    given: Row = {"attempt": 1, "claim_id": uuid4(), "phase": Phase.CLOSED, "crash_count": 0}
    row = {**given, "job_id": job_id, "path": path, **values}
    with engine.begin() as tx:
        tx.execute(sa.insert(attempt).values(**row, updated_at=sa.func.now()))


def add_picture(engine: sa.Engine, job_id: UUID, number: int, delivered: datetime) -> None:
    row = {
        "job_id": job_id,
        "slot": number,
        "state": SlotState.DELIVERED,
        "generation": 0,
        "s3_key": "a.webp",
        "attach_id": next(_attach_ids),
        "charged": 20,
        "delivered_at": delivered,
        "render_seconds": random.Random(number).uniform(0.1, 9),
    }
    with engine.begin() as tx:
        tx.execute(sa.insert(slot).values(row))


def live_through(engine: sa.Engine, jobs: int, begin: datetime, seed: int = 7) -> None:
    """Fills a few hours from `begin` on with jobs of all fates, the same for a seed."""
    chance = random.Random(seed)
    for _ in range(jobs):
        created = begin + chance.random() * 3 * HOUR
        started = created + timedelta(seconds=chance.expovariate(1 / 600))
        ended = started + timedelta(seconds=chance.expovariate(1 / 60))
        status = chance.choice(list(JobStatus))
        began = status is not JobStatus.PENDING and chance.random() < 0.9
        job_id = add_job(
            engine,
            job_status=status,
            quel_production_path=chance.choice(NAMED),
            created_at=created,
            started_at=started if began else None,
            completed_at=ended if status in FINAL and chance.random() < 0.95 else None,
            total_images=3,
            failed_images=chance.choice([0, 0, 1, None]),
        )
        if began and chance.random() < 0.9:
            path = chance.choice(PATHS)
            failure = chance.choice(KINDS) if status is JobStatus.FAILED else None
            asked = chance.choice([None, None, "sculpture"])
            add_attempt(engine, job_id, path, failure=failure, requested_path=asked)
            for number in range(chance.randrange(3)):
                add_picture(engine, job_id, number, started + number * (ended - started) / 3)


def count_by_hand(engine: sa.Engine, hour: datetime) -> dict[str, PathHour]:
    """The statistics of an hour from every row there is, read one by one; by path."""
    with engine.connect() as connection:
        jobs = connection.execute(sa.select(job)).mappings().all()
        attempts = {row["job_id"]: row for row in connection.execute(sa.select(attempt)).mappings()}
        slots = connection.execute(sa.select(slot)).mappings().all()
    of_path: dict[str, list[tuple[sa.RowMapping, sa.RowMapping | None]]] = {}
    for row in jobs:
        own = attempts.get(row["job_id"])
        named = (row["quel_production_path"] or "").strip().lower() or "none"
        of_path.setdefault(own["path"] if own else named, []).append((row, own))
    counted = {
        path: count_path(path, hour, rows, [s for s in slots if s["job_id"] in ids(rows)])
        for path, rows in of_path.items()
    }
    return {path: each for path, each in counted.items() if each != PathHour(path=path, hour=hour)}


def ids(rows: Iterable[tuple[sa.RowMapping, object]]) -> set[UUID]:
    return {row["job_id"] for row, _ in rows}


def count_path(
    path: str,
    hour: datetime,
    jobs: Sequence[tuple[sa.RowMapping, sa.RowMapping | None]],
    slots: Sequence[sa.RowMapping],
) -> PathHour:
    started = [(row, own) for row, own in jobs if lies_in(hour, row["started_at"])]
    ended = [
        (row, own)
        for row, own in jobs
        if lies_in(hour, row["completed_at"]) and row["job_status"] in FINAL
    ]
    by_status = Counter(row["job_status"] for row, _ in ended)
    missing = [row["failed_images"] or 0 for row, _ in ended]
    partly = sum(
        row["job_status"] is JobStatus.COMPLETED and bool(row["failed_images"]) for row, _ in ended
    )
    kinds = Counter(kind(*each) for each in ended if each[0]["job_status"] is JobStatus.FAILED)
    pictures = [each for each in slots if lies_in(hour, each["delivered_at"])]
    return PathHour(
        path=path,
        hour=hour,
        arrived=sum(lies_in(hour, row["created_at"]) for row, _ in jobs),
        started=len(started),
        fallbacks=sum(own is not None and own["requested_path"] is not None for _, own in started),
        completed=by_status[JobStatus.COMPLETED] - partly,
        partly_completed=partly,
        failed=by_status[JobStatus.FAILED],
        failed_by_kind=dict(kinds),
        cancelled=by_status[JobStatus.CANCELLED] + by_status[JobStatus.USER_CANCELLED],
        pictures=len(pictures),
        failed_pictures=sum(missing),
        credits=sum(each["charged"] for each in pictures),
        **spans([row for row, _ in started], [row for row, _ in ended]),
        render_seconds=sum(
            (milliseconds(each["render_seconds"]) for each in pictures), start=Decimal(0)
        ),
    )


def spans(
    started: Sequence[sa.RowMapping], ended: Sequence[sa.RowMapping]
) -> dict[str, float | None]:
    waits = [(row["started_at"] - row["created_at"]).total_seconds() for row in started]
    runs = [
        (row["completed_at"] - row["started_at"]).total_seconds()
        for row in ended
        if row["job_status"] in (JobStatus.COMPLETED, JobStatus.FAILED) and row["started_at"]
    ]
    return {
        **dict(zip(("wait_p50", "wait_p95", "wait_p99"), percentiles(waits), strict=True)),
        **dict(zip(("run_p50", "run_p95", "run_p99"), percentiles(runs), strict=True)),
    }


def lies_in(hour: datetime, moment: datetime | None) -> bool:
    return moment is not None and hour <= moment < hour + HOUR


def kind(row: sa.RowMapping, own: sa.RowMapping | None) -> str:
    if own is None and row["started_at"] is None:
        return "refused"
    return (own["failure"] if own else None) or "unknown"


def percentiles(values: Sequence[float]) -> Iterator[float | None]:
    """Between the two nearest values in proportion, as the textbook has it."""
    ordered = sorted(values)
    for share in (0.5, 0.95, 0.99):
        if not ordered:
            yield None
            continue
        place = share * (len(ordered) - 1)
        below = ordered[int(place)]
        above = ordered[min(int(place) + 1, len(ordered) - 1)]
        yield below + (place - int(place)) * (above - below)


def milliseconds(seconds: float) -> Decimal:
    """As the database reads a double precision number, to 15 digits."""
    return Decimal(f"{seconds:.15g}").quantize(Decimal("0.001"), ROUND_HALF_UP)
