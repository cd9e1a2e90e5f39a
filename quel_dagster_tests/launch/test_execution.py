"""A run that is executed by its id: once, to an end, and with words where that cannot be."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import dagster as dg
import pytest
from dagster_postgres.utils import DagsterPostgresException

from quel_dagster.launch.claims import Claims
from quel_dagster.launch.execution import CannotExecute
from quel_dagster_tests.launch.hall import Event, Office, job_that, launcher_of

Status = dg.DagsterRunStatus


def failures(office: Office, run_id: str) -> str:
    [entry] = office.instance.all_logs(run_id, of_type=Event.RUN_FAILURE)
    return entry.message


def test_a_run_is_executed_by_its_id(office: Office) -> None:
    done: list[str] = []
    errand = job_that(lambda: done.append("done"))
    executor = office.executor(errand)
    run_ids = [office.run_of(errand) for _ in range(2)]
    for run_id in run_ids:
        executor.execute(run_id)
    assert [office.status(run_id) for run_id in run_ids] == [Status.SUCCESS] * 2
    assert done == ["done"] * 2


def test_a_doubled_task_finds_the_run_ended_and_changes_nothing(office: Office) -> None:
    done: list[str] = []
    errand = job_that(lambda: done.append("done"))
    executor = office.executor(errand)
    run_id = office.run_of(errand)
    executor.execute(run_id)
    executor.execute(run_id)
    assert done == ["done"]
    assert office.status(run_id) is Status.SUCCESS
    assert office.count(run_id, Event.RUN_START) == 1


def test_a_doubled_task_that_comes_meanwhile_is_turned_away(office: Office) -> None:
    done: list[str] = []

    def work() -> None:
        done.append("done")
        with ThreadPoolExecutor(1) as thread:
            thread.submit(executor.execute, run_id).result()

    errand = job_that(work)
    executor = office.executor(errand)
    run_id = office.run_of(errand)
    executor.execute(run_id)
    assert done == ["done"]
    assert office.status(run_id) is Status.SUCCESS
    assert office.count(run_id, Event.RUN_START) == office.count(run_id, Event.STEP_START) == 1


def test_a_run_whose_worker_died_is_left_to_the_sweep(office: Office) -> None:
    errand = job_that(lambda: pytest.fail("it was executed a second time"))
    run_id = office.run_of(errand)
    run = office.instance.get_run_by_id(run_id)
    assert run is not None
    office.instance.handle_run_event(
        run_id, dg.DagsterEvent(Event.RUN_START.value, job_name=run.job_name)
    )
    office.executor(errand).execute(run_id)
    assert office.status(run_id) is Status.STARTED


def test_a_run_that_was_deleted_fails_the_task_with_its_id(office: Office) -> None:
    errand = job_that(lambda: None)
    run_id = office.run_of(errand)
    office.instance.delete_run(run_id)
    with pytest.raises(CannotExecute, match=f"run {run_id} is unknown to Dagster"):
        office.executor(errand).execute(run_id)


def test_a_run_of_another_version_of_the_code_fails_and_says_so(office: Office) -> None:
    run_id = office.run_of(job_that(lambda: None, name="of_yesterday"))
    with pytest.raises(CannotExecute, match="no job 'of_yesterday', only errand"):
        office.executor(job_that(lambda: None)).execute(run_id)
    assert office.status(run_id) is Status.FAILURE
    assert "must run the same version" in failures(office, run_id)


def test_a_run_whose_configuration_does_not_fit_the_code_fails_and_says_so(office: Office) -> None:
    @dg.op(name="errand_op", config_schema={"parcel": str})
    def needs_parcel() -> None: ...

    @dg.job(name="errand")
    def of_today() -> None:
        needs_parcel()

    run_id = office.run_of(job_that(lambda: None))
    with pytest.raises(dg.DagsterInvalidConfigError):
        office.executor(of_today).execute(run_id)
    assert office.status(run_id) is Status.FAILURE
    assert "parcel" in failures(office, run_id)


def test_a_run_that_was_terminated_before_it_began_is_not_begun(office: Office) -> None:
    errand = job_that(lambda: pytest.fail("it was executed"))
    run_id = office.run_of(errand)
    assert launcher_of(office.instance).terminate(run_id)
    office.executor(errand).execute(run_id)
    assert office.status(run_id) is Status.CANCELED


def test_a_run_that_is_terminated_just_as_it_begins_ends_canceled(office: Office) -> None:
    errand = job_that(lambda: pytest.fail("it was executed"))
    run_id = office.run_of(errand)
    with Claims(office.place.dagster_engine).hold(run_id) as held:
        assert held
        assert launcher_of(office.instance).terminate(run_id)
    assert office.status(run_id) is Status.CANCELING
    office.executor(errand).execute(run_id)
    assert office.status(run_id) is Status.CANCELED


def test_a_run_that_is_terminated_stops_within_seconds(office: Office) -> None:
    never = threading.Event()
    started = threading.Event()

    def work() -> None:
        started.set()
        never.wait(60)

    def terminate() -> bool:
        assert started.wait(30)
        return launcher_of(office.instance).terminate(run_id)

    errand = job_that(work)
    executor = office.executor(errand)
    run_id = office.run_of(errand)
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with ThreadPoolExecutor(1) as thread:
        terminated = thread.submit(terminate)
        executor.execute(run_id)
        assert terminated.result()
    assert office.status(run_id) is Status.CANCELED
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == handlers


def test_a_run_that_is_terminated_stops_although_dagster_s_tables_were_away_before(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are looked into from a thread, which must outlive what it cannot read."""
    find = dg.DagsterInstance.get_run_by_id
    outage = threading.Semaphore(2)
    is_over = threading.Event()

    def find_if_there(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRun | None:
        if threading.current_thread().name == "watch-run":
            if outage.acquire(blocking=False):
                raise DagsterPostgresException("too many retries for DB connection")
            is_over.set()
        return find(instance, run_id)

    def terminate() -> bool:
        return is_over.wait(20) and launcher_of(office.instance).terminate(run_id)

    monkeypatch.setattr(dg.DagsterInstance, "get_run_by_id", find_if_there)
    errand = job_that(lambda: threading.Event().wait(30))
    executor = office.executor(errand)
    run_id = office.run_of(errand)
    with ThreadPoolExecutor(1) as thread:
        terminated = thread.submit(terminate)
        executor.execute(run_id)
        assert terminated.result()
    assert office.status(run_id) is Status.CANCELED
