"""What `quel status` shows of every path and of every ComfyUI server."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta

import click.testing
import pytest
import sqlalchemy as sa

from quel_dagster.cli import status
from quel_dagster.cli.status import backends_of, paths_of, status_command
from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.demo.parts import reserved_port
from quel_dagster.environment import Environment
from quel_dagster.model.job import Payer, Production
from quel_dagster.services import tables
from quel_dagster.services.backend_book import BackendBook
from quel_dagster.services.migrations import record_cut_off
from quel_dagster.services.store import JobStore
from quel_dagster_tests.builders import make_member, place
from quel_dagster_tests.services.comfyui.seats import Seats
from quel_dagster_tests.services.store.jobs import begin, change, deliver, planned, reserve

COUNTS = ("pending", "reserved", "running", "completed", "failed", "user_cancelled")


@pytest.fixture
def surroundings(variables: Mapping[str, str]) -> Iterator[Environment]:
    environment = Environment(variables)
    record_cut_off(environment.engine, timedelta(days=1))
    yield environment
    environment.close()


@pytest.fixture
def engine(surroundings: Environment) -> sa.Engine:
    return surroundings.engine


@pytest.fixture
def store(surroundings: Environment) -> JobStore:
    return surroundings.store


def counted(surroundings: Environment) -> dict[str, tuple[object, ...]]:
    return {
        path: tuple(row[name] for name in COUNTS) for path, row in paths_of(surroundings).items()
    }


def test_an_empty_table_has_no_paths(surroundings: Environment) -> None:
    assert paths_of(surroundings) == {}


def test_every_path_counts_what_waits_runs_and_ended(
    surroundings: Environment, store: JobStore, engine: sa.Engine
) -> None:
    payer = Payer(member_id=make_member(engine))
    place(engine, payer, path="beauty")
    place(engine, payer, path=" Beauty")
    place(engine, payer, path=None)
    place(engine, payer, age=timedelta(minutes=3))
    reserve(store, place(engine, payer))
    planned(store, engine)
    paused = begin(store, place(engine, payer))
    store.release(paused.ticket, "later", pause=timedelta(hours=1), most=3)
    made = planned(store, engine)
    deliver(store, made, 0)
    store.settle(made.ticket, Production())
    for cancelled in False, True, True:
        store.settle(planned(store, engine).ticket, Production(cancelled=cancelled))
    assert counted(surroundings) == {
        "beauty": (2, 0, 0, 0, 0, 0),
        "fashion": (3, 1, 1, 1, 1, 2),
        "none": (1, 0, 0, 0, 0, 0),
    }
    oldest = paths_of(surroundings)["fashion"]["oldest"]
    assert isinstance(oldest, int)
    assert 180 <= oldest < 240


def test_wrecks_from_before_our_first_day_do_not_wait(
    surroundings: Environment, engine: sa.Engine
) -> None:
    payer = Payer(member_id=make_member(engine))
    place(engine, payer, age=timedelta(days=400))
    assert counted(surroundings) == {}


def test_a_job_counts_for_the_path_that_serves_it(
    surroundings: Environment, store: JobStore, engine: sa.Engine
) -> None:
    begin(store, place(engine, Payer(member_id=make_member(engine)), path="sports"))
    assert counted(surroundings) == {"fashion": (0, 0, 1, 0, 0, 0)}


def test_a_job_that_was_never_let_in_counts_for_its_path_however_it_is_spelled(
    surroundings: Environment, store: JobStore, engine: sa.Engine
) -> None:
    payer = Payer(member_id=make_member(engine))
    for path in "eats", " Eats ", "", None:
        store.refuse(place(engine, payer, path=path), "it is empty")
    assert counted(surroundings) == {"eats": (0, 0, 0, 0, 2, 0), "none": (0, 0, 0, 0, 2, 0)}


def test_what_ended_before_yesterday_is_not_counted(
    surroundings: Environment, store: JobStore, engine: sa.Engine
) -> None:
    job = planned(store, engine)
    store.settle(job.ticket, Production())
    yesterday = sa.func.clock_timestamp() - timedelta(hours=25)
    change(engine, tables.job, job.id, completed_at=yesterday)
    assert counted(surroundings) == {}


def test_the_limit_is_the_one_in_force_and_zero_when_the_path_is_paused(
    surroundings: Environment, store: JobStore
) -> None:
    store.limits.note({"fashion": 7, "beauty": 0})
    limits = {path: row["limit"] for path, row in paths_of(surroundings).items()}
    assert limits == {"fashion": 7, "beauty": 0}


def test_every_server_is_shown_with_its_load_its_model_and_why_it_gets_no_work(
    variables: dict[str, str], comfyui: ComfyUIProcess
) -> None:
    sick = "http://user:secret@127.0.0.1:1"
    with reserved_port() as port:
        down = f"http://127.0.0.1:{port}"
        urls = f"{comfyui.url},{down},{sick}"
        place = Environment(variables | {"COMFYUI_URLS": urls})
        book, seats = BackendBook(place.engine), Seats(place.engine)
        made = seats.new(model="ink.safetensors")
        book.keep(made, comfyui.url)
        book.leave(made, made_on=comfyui.url)
        book.keep(seats.new(), comfyui.url)
        book.quarantine("http://127.0.0.1:1", "it hangs")
        shown = backends_of(place)
        place.close()
    assert list(shown) == [comfyui.url, down, "http://127.0.0.1:1"]
    serving, gone, hanging = shown.values()
    assert (serving["state"], serving["running"], serving["waiting"]) == ("serving", 0, 0)
    assert (serving["ours"], serving["model"]) == (1, "ink.safetensors")
    assert serving["seen"]
    assert (gone["state"], gone["running"], gone["reason"]) == ("down", None, None)
    assert (hanging["state"], hanging["reason"]) == ("quarantined", "it hangs")
    assert hanging["since"]


@pytest.mark.parametrize("form", ["json", "tables"])
def test_the_command_tells_a_program_and_a_person(
    surroundings: Environment,
    store: JobStore,
    comfyui: ComfyUIProcess,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
) -> None:
    monkeypatch.setattr(status, "here", lambda: surroundings)
    monkeypatch.setenv("COLUMNS", "200")
    store.limits.note({"fashion": 7})
    runner = click.testing.CliRunner()
    told = runner.invoke(status_command, ["--json"] if form == "json" else [])
    assert told.exit_code == 0
    if form == "json":
        document = json.loads(told.output)
        assert document["paths"]["fashion"] == dict.fromkeys(COUNTS, 0) | {
            "limit": 7,
            "oldest": None,
        }
        assert document["backends"][comfyui.url]["state"] == "serving"
    else:
        assert "fashion" in told.output
        assert comfyui.url in told.output


def test_nothing_that_counts_is_cut_off_on_a_narrow_screen(
    surroundings: Environment,
    store: JobStore,
    engine: sa.Engine,
    comfyui: ComfyUIProcess,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(status, "here", lambda: surroundings)
    monkeypatch.setenv("COLUMNS", "80")
    paths = ("beauty", "cartoon", "cinema", "eats", "fashion", "modify", "multiview")
    store.limits.note(dict.fromkeys(paths, 3))
    store.settle(planned(store, engine).ticket, Production(cancelled=True))
    told = click.testing.CliRunner().invoke(status_command, []).output
    for whole in (*paths, "limit", "oldest", *COUNTS[:-1], "cancelled", comfyui.url, "serving"):
        assert whole in told.split()
    [fashion] = [line.split() for line in told.splitlines() if line.startswith("fashion")]
    assert fashion == ["fashion", "3", "0", "0", "0", "0", "0", "1"]
    assert "…" not in told
