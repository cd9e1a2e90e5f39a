"""Where a waiting row goes. Pure: the row and the settings in, one decision out.

The four checks are the handed-in document's: a path is named, a category serves it, there is an
input, and the job is still waiting.
"""

from collections.abc import Collection
from dataclasses import dataclass

from quel_dagster.model.job import WaitingRow
from quel_dagster.model.settings import UnknownPath, WorkerSettings
from quel_dagster.model.status import JobStatus

NO_PATH = "none"
"""How a row that names no path is shown in `quel/requested_path`."""


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
    path = plain(row.path)
    if path in settings.ignored_paths:
        return Leave(reason=f"path {path} is served elsewhere")
    chosen = choose_path(row.path, served, settings)
    if isinstance(chosen, Start):
        if not settings.path(chosen.path).enabled:
            return Leave(reason=f"path {chosen.path} is not enabled")
        if objection := objection_to(row, settings):
            return Refuse(reason=objection)
    return chosen


def choose_path(
    requested: str | None, served: Collection[str], settings: WorkerSettings
) -> Start | Refuse:
    """The path that will really run: the requested one where it is served, else the fallback."""
    path = plain(requested)
    if path in served:
        return Start(path=path)
    fallback = settings.fallback
    if path and fallback.unknown_path_behavior is UnknownPath.REJECT:
        return Refuse(
            reason=f"quel_production_path {requested!r} is not served; use one of "
            f"{', '.join(sorted(served))}"
        )
    return Start(path=fallback.default_path, requested=path or NO_PATH)


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
