"""Where a waiting row goes. Pure: the row and the settings in, one decision out.

A picture to be retouched goes its own way, whatever path the row names; then comes the path, then
the fallback.
The four checks are the handed-in document's: a path is named, a category serves it, there is an
input, and the job is still waiting.
"""

from collections.abc import Collection
from dataclasses import dataclass

from quel_dagster.model.job import NO_PATH, WaitingRow
from quel_dagster.model.retouching import MODIFY
from quel_dagster.model.settings import UnknownPath, WorkerSettings
from quel_dagster.model.status import JobStatus


@dataclass(frozen=True, kw_only=True)
class Start:
    """The row may run on `path`; `requested` is what it asked for where that is another."""

    path: str
    requested: str | None = None


@dataclass(frozen=True, kw_only=True)
class Refuse:
    """The row can never run; `reason` tells its owner why and what to do."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Leave:
    """The row is not ours to touch now."""

    reason: str


Decision = Start | Refuse | Leave


def route(row: WaitingRow, served: Collection[str], settings: WorkerSettings) -> Decision:
    """Decides about one row.

    Args:
        row: as the store shows it.
        served: the paths that have a category.
        settings: which paths are open, what the fallback is, how often a job is tried.
    """
    if row.status != JobStatus.PENDING:
        return Leave(reason=f"already {row.status or 'without a status'}")
    path = path_of(row)
    if path in settings.ignored_paths:
        return Leave(reason=f"path {path} is served elsewhere")
    chosen = choose_path(row, served, settings)
    if isinstance(chosen, Start):
        if not settings.path(chosen.path).enabled:
            return Leave(reason=f"path {chosen.path} is not enabled")
        if objection := objection_to(row, settings):
            return Refuse(reason=objection)
    return chosen


def choose_path(row: WaitingRow, served: Collection[str], settings: WorkerSettings) -> Decision:
    """The path that will really run: the requested one where it is served, else the fallback.

    A retouch has no fallback: made as anything else it would lose the customer's picture.
    """
    requested = plain(row.path)
    path = path_of(row)
    if path in served:
        return Start(path=path, requested=None if requested in {"", path} else requested)
    if row.retouch:
        return Leave(reason=f"path {path} is not served here")
    fallback = settings.fallback
    if path and fallback.unknown_path_behavior is UnknownPath.REJECT:
        return Refuse(
            reason=f"quel_production_path {row.path!r} is not served; use one of "
            f"{', '.join(sorted(served))}"
        )
    return Start(path=fallback.default_path, requested=path or NO_PATH)


def path_of(row: WaitingRow) -> str:
    """The path a row is meant for, served or not; empty where it names none."""
    return MODIFY if row.retouch else plain(row.path)


def plain(path: str | None) -> str:
    """A path as categories spell it. Case and blanks around it are forgiven, nothing else is."""
    return (path or "").strip().lower()


def objection_to(row: WaitingRow, settings: WorkerSettings) -> str | None:
    """Why a row can never run, whatever its path; None when it may."""
    if row.input_type != "object":
        found = "is empty" if row.input_type == "empty" else f"is a JSON {row.input_type}"
        return f"job_input_data {found}; expected a JSON object that describes the order"
    if row.attempts >= settings.attempts.max:
        return f"{row.attempts} attempts began and none came to an end"
    return None
