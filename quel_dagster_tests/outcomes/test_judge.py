"""What becomes of an attempt, by its phase, its lease and its runs: a table."""

from uuid import UUID, uuid4

import dagster as dg
import pytest

from quel_dagster.model.job import Ticket
from quel_dagster.model.status import Phase
from quel_dagster.outcomes import Verdict, judge
from quel_dagster.pipeline.runs import Run
from quel_dagster.services.lapses import Holder

TICKET = Ticket(job_id=UUID(int=1), claim_id=UUID(int=2))
Status = dg.DagsterRunStatus


def holder(phase: Phase, *, has_lapsed: bool) -> Holder:
    run_id = "mine" if phase is Phase.STARTED else None
    return Holder(ticket=TICKET, path="eats", phase=phase, run_id=run_id, has_lapsed=has_lapsed)


def run(status: Status, run_id: str = "mine") -> Run:
    return Run(id=run_id, ticket=TICKET, status=status)


@pytest.mark.parametrize("phase", [Phase.RESERVED, Phase.STARTED])
@pytest.mark.parametrize("status", [status for status in Status if status is not Status.CANCELED])
def test_an_attempt_with_a_lease_is_left_whatever_dagster_says(
    phase: Phase, status: Status
) -> None:
    assert judge(holder(phase, has_lapsed=False), [run(status)]) is Verdict.LEAVE
    assert judge(holder(phase, has_lapsed=False), []) is Verdict.LEAVE


@pytest.mark.parametrize("phase", [Phase.RESERVED, Phase.STARTED])
@pytest.mark.parametrize("has_lapsed", [False, True])
def test_an_attempt_whose_run_was_terminated_is_called_off(phase: Phase, has_lapsed: bool) -> None:
    assert judge(holder(phase, has_lapsed=has_lapsed), [run(Status.CANCELED)]) is Verdict.CALL_OFF


@pytest.mark.parametrize("phase", [Phase.RESERVED, Phase.STARTED])
def test_a_run_that_is_being_terminated_may_end_its_attempt_itself_for_a_lease(
    phase: Phase,
) -> None:
    dying = [run(Status.CANCELING)]
    assert judge(holder(phase, has_lapsed=False), dying) is Verdict.LEAVE
    assert judge(holder(phase, has_lapsed=True), dying) is Verdict.CALL_OFF


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (Status.NOT_STARTED, Verdict.FREE),
        (Status.QUEUED, Verdict.EXTEND),
        (Status.STARTING, Verdict.EXTEND),
        (Status.STARTED, Verdict.FREE),
        (Status.FAILURE, Verdict.FREE),
        (Status.SUCCESS, Verdict.FREE),
    ],
)
def test_a_lapsed_reservation_waits_for_a_run_that_is_still_to_come(
    status: Status, verdict: Verdict
) -> None:
    assert judge(holder(Phase.RESERVED, has_lapsed=True), [run(status)]) is verdict


def test_a_lapsed_reservation_that_no_run_was_stored_for_is_freed() -> None:
    assert judge(holder(Phase.RESERVED, has_lapsed=True), []) is Verdict.FREE


@pytest.mark.parametrize("status", [Status.QUEUED, Status.STARTED, Status.FAILURE, Status.SUCCESS])
def test_a_lapsed_attempt_that_had_begun_has_crashed(status: Status) -> None:
    assert judge(holder(Phase.STARTED, has_lapsed=True), [run(status)]) is Verdict.CRASH
    assert judge(holder(Phase.STARTED, has_lapsed=True), []) is Verdict.CRASH


def test_a_copy_of_a_run_that_is_terminated_does_not_cancel_what_the_first_one_holds() -> None:
    copy = run(Status.CANCELED, str(uuid4()))
    first = run(Status.STARTED)
    assert judge(holder(Phase.STARTED, has_lapsed=False), [copy, first]) is Verdict.LEAVE
    assert judge(holder(Phase.RESERVED, has_lapsed=False), [copy, first]) is Verdict.LEAVE
