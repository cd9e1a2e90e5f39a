"""A ComfyUI server that hung and was restarted gets work again, although nobody orders anything."""

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg
import pytest

from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.maintenance.quarantine import quarantine_sensor
from quel_dagster.services import backend_book
from quel_dagster.services.backend_book import BackendBook
from quel_dagster.services.comfyui import canary
from quel_dagster.services.comfyui.backends import Backends
from quel_dagster.services.database import connect
from quel_dagster_tests.journey.moments import eventually

NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def book(database: str) -> Iterator[BackendBook]:
    engine = connect(database)
    yield BackendBook(engine)
    engine.dispose()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials begin at once, and end soon."""
    monkeypatch.setattr(backend_book, "FIRST_TRIAL", timedelta(milliseconds=100))
    monkeypatch.setattr(backend_book, "LONGEST_TRIAL", timedelta(milliseconds=200))
    monkeypatch.setattr(canary, "DEADLINE", 1.0)


def said(backends: Backends) -> str:
    """What a tick of the sensor gives as its reason."""
    with (
        dg.DagsterInstance.ephemeral() as instance,
        dg.build_sensor_context(instance=instance, resources={"backends": backends}) as context,
    ):
        return quarantine_sensor.evaluate_tick(context).skip_message or ""


def test_a_server_is_tried_until_it_renders_without_any_order(
    book: BackendBook, comfyui: ComfyUIProcess
) -> None:
    comfyui.faults(hang=True)
    book.quarantine(comfyui.url, "it hangs")
    with Backends([comfyui.url], book, deadline=1.0) as backends:

        def was_tried() -> bool:
            assert f"{comfyui.url} is in quarantine since " in said(backends)
            return bool(comfyui.log())

        eventually(was_tried)
        comfyui.stop()
        comfyui.start()
        eventually(lambda: said(backends) == "no server is in quarantine")
    assert not book.states()[comfyui.url].is_quarantined


def test_a_tick_that_cannot_ask_who_tries_says_so(book: BackendBook) -> None:
    gone = connect("postgresql://nobody@127.0.0.1:1/gone")
    book.quarantine(NOBODY, "it hangs")
    eventually(lambda: book.states()[NOBODY].is_due)
    with Backends([NOBODY], book, deadline=1.0) as backends:
        quarantine = backends._quarantine  # pyright: ignore[reportPrivateUsage] - as if PostgreSQL
        assert quarantine.reason(NOBODY)
        quarantine._book = BackendBook(gone)  # pyright: ignore[reportPrivateUsage] - went away
        assert said(backends).startswith("PostgreSQL at 127.0.0.1:1/gone: ")
    gone.dispose()


def test_it_comes_by_itself() -> None:
    assert quarantine_sensor.default_status is dg.DefaultSensorStatus.RUNNING
