"""Which server takes the next picture, and which are left alone for a while."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import sqlalchemy as sa

from quel_dagster.model.errors import (
    BackendAway,
    BackendsBusy,
    ConfigurationError,
    RenderStopped,
)
from quel_dagster.services.backend_book import BackendBook
from quel_dagster.services.comfyui.backends import Backends
from quel_dagster_tests.services.comfyui.scripted import Script, serving
from quel_dagster_tests.services.comfyui.seats import Seats


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.naps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds


class Farm:
    """Three servers whose loads the test sets, and the back ends that know them."""

    def __init__(self, stack: ExitStack, engine: sa.Engine) -> None:
        self.clock = Clock()
        self.seats = Seats(engine)
        self.scripts = [Script(), Script(), Script()]
        self.urls = [stack.enter_context(serving(script)) for script in self.scripts]
        self.backends = stack.enter_context(
            Backends(
                self.urls,
                BackendBook(engine),
                deadline=10.0,
                clock=self.clock,
                sleep=self.clock.sleep,
            )
        )

    def have(self, *loads: int | None) -> None:
        """None is a server that answers nothing but errors."""
        for script, load in zip(self.scripts, loads, strict=True):
            script.answers["/prompt"].clear()
            script.answer("/queue", {"queue_running": [[0, "a stranger's"]], "queue_pending": []})
            if load is None:
                script.answer("/prompt", b"", status=503)
            else:
                script.answer("/prompt", {"exec_info": {"queue_remaining": load}})

    def pick(self, *, avoid: int | None = None) -> int:
        """Which server a render goes to that leaves its place at once."""
        seat = self.seats.new()
        url = None if avoid is None else self.urls[avoid]
        server = self.backends.pick(seat, avoid=url)
        self.backends.leave(seat)
        return self.urls.index(server.url)

    def asked(self, number: int) -> int:
        return self.scripts[number].paths.count("GET /prompt")


@pytest.fixture
def farm(engine: sa.Engine) -> Iterator[Farm]:
    with ExitStack() as stack:
        yield Farm(stack, engine)


def test_the_least_loaded_server_takes_the_picture(farm: Farm) -> None:
    farm.have(1, 0, 1)

    assert farm.pick() == 1


def test_the_avoided_server_is_taken_only_when_no_other_has_room(farm: Farm) -> None:
    farm.have(0, 1, None)
    assert farm.pick(avoid=0) == 1

    farm.have(0, 2, None)
    assert farm.pick(avoid=0) == 0


def test_a_server_with_one_running_and_one_waiting_is_waited_for(farm: Farm) -> None:
    farm.have(2, 2, 5)
    farm.scripts[1].answer("/prompt", {"exec_info": {"queue_remaining": 2}})
    farm.scripts[1].answer("/prompt", {"exec_info": {"queue_remaining": 1}})

    assert farm.pick() == 1
    assert farm.clock.naps == [0.25, 0.5]


def test_when_all_stay_full_the_wait_ends_and_says_so(farm: Farm) -> None:
    farm.have(2, 2, 5)

    with pytest.raises(BackendsBusy, match=f"{farm.urls[2]} is full, with 5 prompts"):
        farm.pick()
    assert farm.clock.now == 10.0


def test_when_none_answers_every_address_is_named_with_its_fault(farm: Farm) -> None:
    farm.have(None, None, None)

    with pytest.raises(BackendAway) as caught:
        farm.pick()

    assert not isinstance(caught.value, BackendsBusy)
    assert all(f"{url} answered 503" in str(caught.value) for url in farm.urls)
    assert farm.clock.now == 5.0


def test_a_server_that_does_not_answer_is_passed_over_and_left_alone(farm: Farm) -> None:
    farm.have(None, 1, 1)

    assert (farm.pick(), farm.pick()) == (1, 1)
    assert farm.asked(0) == 1


def test_a_server_left_alone_is_asked_again_after_longer_and_longer_pauses(farm: Farm) -> None:
    farm.have(None, 1, 1)
    farm.pick()
    for number, pause in enumerate((1, 2, 4, 8, 10, 10), start=1):
        farm.clock.now += pause - 0.1
        farm.pick()
        assert farm.asked(0) == number
        farm.clock.now += 0.1
        farm.pick()
        assert farm.asked(0) == number + 1


def test_a_server_whose_render_failed_is_left_alone_until_it_has_made_a_picture(
    farm: Farm,
) -> None:
    farm.have(0, 1, 1)
    seat = farm.seats.new()
    sick = farm.backends.pick(seat)
    farm.backends.failed(sick, BackendAway("it hangs"))
    assert farm.pick() == 1

    farm.backends.leave(seat, sick)
    assert farm.pick() == 0


def test_the_wait_for_room_ends_when_the_job_is_to_stop(farm: Farm) -> None:
    farm.have(2, 2, 2)

    with pytest.raises(RenderStopped):
        farm.backends.pick(farm.seats.new(), should_stop=lambda: farm.clock.now > 1)


def test_a_server_is_found_by_the_address_that_was_noted(farm: Farm) -> None:
    noted = farm.backends.by_url(farm.urls[1] + "/")

    assert noted is not None
    assert noted.url == farm.urls[1]
    assert farm.backends.by_url("http://elsewhere:8188") is None


def test_no_address_at_all_is_a_mistake_in_the_settings(engine: sa.Engine) -> None:
    with pytest.raises(ConfigurationError, match="COMFYUI_URLS"):
        Backends([], BackendBook(engine), deadline=1.0)
