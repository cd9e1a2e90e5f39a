"""A server that takes prompts and does nothing: left alone by all, told, tried, and taken back."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from queue import SimpleQueue
from uuid import uuid4

import pytest
import sqlalchemy as sa

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.model.alert import AlertKind
from quel_dagster.model.errors import BackendAway, BackendSilent
from quel_dagster.services import backend_book, outbox
from quel_dagster.services.backend_book import BackendBook, backend
from quel_dagster.services.comfyui import canary
from quel_dagster.services.comfyui.backends import Backends
from quel_dagster.services.comfyui.quarantine import Quarantine
from quel_dagster.services.comfyui.rendering import render
from quel_dagster.services.comfyui.server import ComfyServer
from quel_dagster_tests.journey.moments import eventually
from quel_dagster_tests.services.comfyui.graphs import painting
from quel_dagster_tests.services.comfyui.seats import Seats
from quel_dagster_tests.services.store.jobs import rows

SECONDS = 20.0
"""A deadline no test is to reach."""
SICK = "http://user:secret@127.0.0.1:1"

Build = Callable[..., Backends]


@pytest.fixture
def book(engine: sa.Engine) -> BackendBook:
    return BackendBook(engine)


@pytest.fixture
def seats(engine: sa.Engine) -> Seats:
    return Seats(engine)


@pytest.fixture
def build(book: BackendBook) -> Iterator[Build]:
    """The back ends as one process knows them."""
    with ExitStack() as exits:

        def build(*servers: ComfyUIProcess) -> Backends:
            urls = [server.url for server in servers]
            return exits.enter_context(Backends(urls, book, deadline=SECONDS))

        yield build


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials begin at once, and end soon."""
    monkeypatch.setattr(backend_book, "FIRST_TRIAL", timedelta(milliseconds=100))
    monkeypatch.setattr(backend_book, "LONGEST_TRIAL", timedelta(milliseconds=200))
    monkeypatch.setattr(canary, "DEADLINE", 1.0)


def hang(server: ComfyServer, process: ComfyUIProcess) -> BackendSilent:
    """Lets the executor die over a prompt; what its render comes to."""
    process.faults(hang=True)
    with pytest.raises(BackendSilent) as caught:
        render(server, uuid4(), painting, deadline=SECONDS, silence=1.0)
    return caught.value


def test_a_prompt_that_began_and_then_shows_no_sign_of_life_is_given_up(
    mortal: ComfyUIProcess, frail_server: ComfyServer
) -> None:
    silent = hang(frail_server, mortal)
    assert "has told nothing of a prompt that it began for 1 s" in str(silent)


def test_a_render_that_shows_signs_of_life_may_take_long(
    comfyui: ComfyUIProcess, comfy_server: ComfyServer
) -> None:
    comfyui.faults(render_seconds=4)
    assert render(comfy_server, uuid4(), painting, deadline=SECONDS, silence=2.0).images


def test_a_server_whose_websocket_is_silent_is_not_taken_for_one_that_hangs(
    comfyui: ComfyUIProcess, comfy_server: ComfyServer
) -> None:
    comfyui.faults(render_seconds=3, silent_websocket=True)
    assert render(comfy_server, uuid4(), painting, deadline=SECONDS, silence=1.0).images


def test_a_prompt_behind_another_has_its_whole_time_when_its_turn_comes(
    comfyui: ComfyUIProcess, comfy_server: ComfyServer
) -> None:
    comfyui.faults(render_seconds=2)
    comfy_server.submit(uuid4(), painting(), "a stranger")
    assert render(comfy_server, uuid4(), painting, deadline=3.0).images


def test_all_processes_leave_it_alone_and_a_render_that_waits_there_goes_elsewhere(
    build: Build, seats: Seats, mortal: ComfyUIProcess, comfyui: ComfyUIProcess
) -> None:
    finder, other = build(mortal, comfyui), build(mortal, comfyui)
    server = finder.pick(seats.new())
    waiting = other.by_url(mortal.url)
    assert server.url == mortal.url
    assert waiting is not None
    other.check(waiting)
    finder.failed(server, hang(server, mortal))
    with pytest.raises(BackendAway, match="is in quarantine since"):
        finder.check(server)
    assert other.pick(seats.new()).url == comfyui.url

    def has_heard() -> bool:
        try:
            other.check(waiting)
        except BackendAway:
            return True
        return False

    eventually(has_heard)


def test_an_alert_tells_each_quarantine_once_and_no_password(
    book: BackendBook, engine: sa.Engine
) -> None:
    book.quarantine(SICK, "it hangs")
    book.quarantine(SICK, "it hangs, says another process")
    [alert] = rows(engine, outbox.alert)
    assert alert["kind"] == AlertKind.BACKEND_QUARANTINED
    assert alert["event"].startswith("backend_quarantined/http://127.0.0.1:1/")
    assert alert["told"].startswith("ComfyUI at http://127.0.0.1:1 is in quarantine: it hangs.")
    book.release(SICK)
    book.quarantine(SICK, "it hangs again")
    assert len(rows(engine, outbox.alert)) == 2


def test_a_server_that_hangs_stays_out_until_it_is_restarted(
    soon: None, build: Build, seats: Seats, mortal: ComfyUIProcess, engine: sa.Engine
) -> None:
    _ = soon
    backends = build(mortal)
    server = backends.by_url(mortal.url)
    assert server is not None
    backends.failed(server, hang(server, mortal))
    with pytest.raises(BackendAway, match=r"is in quarantine since .* has told nothing"):
        backends.pick(seats.new())
    [row] = rows(engine, backend)
    assert (row["state"], row["trials"] > 0) == ("quarantined", True)
    mortal.stop()
    mortal.start()
    mortal.faults(render_seconds=0.1)

    def is_picked() -> bool:
        try:
            backends.pick(seats.new())
        except BackendAway:
            return False
        return True

    eventually(is_picked)
    [row] = rows(engine, backend)
    assert (row["state"], row["reason"]) == ("serving", None)


def test_one_of_many_tries_a_server_after_growing_pauses(
    book: BackendBook, engine: sa.Engine
) -> None:
    book.quarantine(SICK, "it hangs")
    assert not book.begin_trial(SICK)
    pauses: list[float] = []
    for _ in range(7):
        with engine.begin() as tx:
            tx.execute(sa.update(backend).values(next_trial_at=sa.func.clock_timestamp()))
        assert book.states()[SICK].is_due
        assert [book.begin_trial(SICK) for _ in range(3)] == [True, False, False]
        left = sa.func.extract("epoch", backend.c.next_trial_at - sa.func.clock_timestamp())
        with engine.begin() as tx:
            pauses.append(round(float(tx.execute(sa.select(left)).scalar_one())))
    assert pauses == [20, 40, 80, 160, 300, 300, 300]


def test_the_canary_renders_without_a_model(comfyui: ComfyUIProcess) -> None:
    assert canary.sings(comfyui.url, lambda: False)
    comfyui.faults(fail_renders=True)
    assert not canary.sings(comfyui.url, lambda: True)


def test_a_server_behind_a_password_is_tried_with_it_and_named_without(
    soon: None, book: BackendBook, seats: Seats, engine: sa.Engine
) -> None:
    _ = soon
    tried = SimpleQueue[str]()

    def sings(address: str, _should_stop: Callable[[], bool]) -> bool:
        tried.put(address)
        return False

    with Backends([SICK], book, deadline=0.1) as backends:
        server = backends.by_url(SICK)
        assert server is not None
        backends._quarantine._sings = sings  # pyright: ignore[reportPrivateUsage] - as if it hung
        backends.failed(server, BackendSilent("it hangs"))

        def is_tried() -> bool:
            with pytest.raises(BackendAway):
                backends.pick(seats.new())
            return not tried.empty()

        eventually(is_tried)
        with pytest.raises(BackendAway) as caught:
            backends.pick(seats.new())
    assert "http://127.0.0.1:1 is in quarantine since" in str(caught.value)
    assert tried.get() == SICK
    assert [row["url"] for row in rows(engine, backend)] == ["http://127.0.0.1:1"]


def test_what_was_known_stays_known_while_postgresql_is_away(engine: sa.Engine) -> None:
    now = [0.0]
    book = BackendBook(engine)
    quarantine = Quarantine(book, lambda: now[0])
    quarantine.impose(SICK, "it hangs")
    assert "it hangs" in (quarantine.reason(SICK) or "")
    gone = sa.create_engine("postgresql+psycopg2://nobody@127.0.0.1:1/gone")
    quarantine._book = BackendBook(gone)  # pyright: ignore[reportPrivateUsage] - as if PostgreSQL went
    now[0] += 60
    assert "it hangs" in (quarantine.reason(SICK) or "")
