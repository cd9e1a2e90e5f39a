"""What the checks of the overview find: figures and thresholds in, verdict and advice out.

Pure: no Dagster and no database. How a check runs, and how its verdict is shown, is in `checks`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from quel_dagster.model.checking import FailureRateCheck, OldestWaitingCheck, StuckJobsCheck
from quel_dagster.model.job import NO_PATH
from quel_dagster.pipeline.tags import runs_page
from quel_dagster.services.path_hours import PathHour
from quel_dagster.services.reconcile import Reconciliation
from quel_dagster.services.stuck import Stuck
from quel_dagster.statistics.page import path_cell, span, table
from quel_dagster.statistics.present import Standing

SHOWN = 20
"""Lines of a check's details."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a check found.

    Attributes:
        wrong: what to look at, a sentence for each thing; none is good news.
        is_error: whether it is more than a warning.
        details: a Markdown table for whoever looks closer.
        figures: numbers that the UI draws over time.
    """

    wrong: Sequence[str] = ()
    is_error: bool = False
    details: str
    figures: dict[str, float]
    fine: str

    @property
    def message(self) -> str:
        """One line: everything that is wrong, or that nothing is."""
        return " ".join(self.wrong) or self.fine


def failure_rate(lately: Iterable[PathHour], check: FailureRateCheck) -> Verdict:
    """Paths of which too many jobs fail, the customers' own mistakes aside."""
    rows: list[tuple[str, ...]] = []
    wrong: list[str] = []
    shares: dict[str, float] = {}
    for each in lately:
        ours = {kind: n for kind, n in each.failed_by_kind.items() if kind not in check.not_ours}
        failed = sum(ours.values())
        tried = each.completed + each.partly_completed + failed
        share = failed / tried if tried else 0.0
        why = ", ".join(f"{kind} {n}" for kind, n in sorted(ours.items())) or "·"
        rows.append((path_cell(each.path), str(tried), str(failed), f"{share:.0%}", why))
        if tried < check.jobs:
            continue
        shares[each.path] = share
        if share >= check.warn:
            wrong.append(
                f"{each.path}: {failed} of {tried} jobs failed within {span(check.within)} "
                f"({why}); look at {runs_page(each.path, failed=True)} and at their "
                "error_message."
            )
    return Verdict(
        wrong=wrong,
        is_error=any(share >= check.error for share in shares.values()),
        details=table(("path", "jobs", "failed", "share", "kinds"), rows),
        figures={"worst_share": max(shares.values(), default=0.0)},
        fine=f"No path of {check.jobs} jobs or more within {span(check.within)} fails too often.",
    )


def oldest_waiting(standings: Iterable[Standing], check: OldestWaitingCheck) -> Verdict:
    """Paths on which a job waits too long. A paused path is an operator's will: it is left out."""
    open_paths = [each for each in standings if each.limit != 0]
    late = [each for each in open_paths if each.oldest >= check.warn]
    oldest = max((each.oldest.total_seconds() for each in open_paths), default=0.0)
    rows = [(path_cell(each.path), str(each.waiting), span(each.oldest)) for each in open_paths]
    return Verdict(
        wrong=[
            f"{each.path}: {each.waiting} jobs wait, the oldest for {span(each.oldest)}; "
            f"{advice(each)}"
            for each in late
        ],
        is_error=any(each.oldest >= check.error for each in late),
        details=table(("path", "waiting", "oldest"), rows),
        figures={"oldest_seconds": oldest},
        fine=f"Nothing waits for {span(check.warn)} or longer.",
    )


def advice(standing: Standing) -> str:
    """Why jobs of a path may wait, by what else is known of it."""
    if standing.path == NO_PATH:
        return (
            "they name no path, so they run on that of the fallback, and pictures to be retouched "
            "on modify: look at those two."
        )
    if standing.limit is None:
        return "no category serves it, so look at what the jobs' rows name as their path."
    if standing.running >= standing.limit:
        return (
            f"all {standing.limit} places are taken: raise its limit under Deployment > "
            "Concurrency, add ComfyUI servers, or look for runs that hang."
        )
    return (
        f"only {standing.running} of {standing.limit} places are taken: look whether the sensor "
        "job_queue is on, whether workers run, and at next_try_at in quel.attempt."
    )


def stuck_jobs(stuck: Sequence[Stuck], check: StuckJobsCheck) -> Verdict:
    """Jobs that hang. Without anybody who holds them the sweep is at fault, which is an error."""
    rows = [
        (
            f"`{each.job_id}`",
            path_cell(each.path),
            each.why,
            span(each.age),
            f"[run](/runs/{each.run_id})" if each.run_id else "·",
        )
        for each in stuck[:SHOWN]
    ]
    long = [each for each in stuck if each.why == "it runs long"]
    forgotten = len(stuck) - len(long)
    wrong: list[str] = []
    if forgotten:
        wrong.append(
            f"{forgotten} jobs are in progress and nobody holds them; look whether the sensor "
            "sweep is on, launch sweep_once, and for jobs of another system close_stale_jobs."
        )
    if long:
        wrong.append(
            f"{len(long)} jobs run for more than {span(check.running)}; look at their runs and at "
            "the ComfyUI servers, and terminate what hangs."
        )
    return Verdict(
        wrong=wrong,
        is_error=bool(forgotten),
        details=table(("job", "path", "why", "for", "run"), rows),
        figures={"stuck": len(stuck)},
        fine="Every job in progress is held by somebody.",
    )


def credits_reconcile(books: Reconciliation) -> Verdict:
    """Money that does not add up."""
    findings = books.findings
    kinds = {each.kind: each.look_at for each in findings}
    rows = [(each.kind, each.subject, each.expected, each.found) for each in findings[:SHOWN]]
    return Verdict(
        wrong=[
            f"{sum(each.kind is kind for each in findings)} of {kind}: look at {look_at}."
            for kind, look_at in kinds.items()
        ],
        is_error=books.errors > 0,
        details=table(("finding", "where", "expected", "found"), rows),
        figures={"payers": books.payers, "pictures": books.pictures, "errors": books.errors},
        fine=f"{books.pictures} pictures and the credits of {books.payers} payers add up.",
    )
