"""Places on servers that many processes share: never more than two, and none kept by the dead."""

from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa

from quel_dagster.model.job import Ticket
from quel_dagster.services.backend_book import BackendBook, Look, Seat, backend_place
from quel_dagster_tests.services.comfyui.seats import Seats
from quel_dagster_tests.services.store.jobs import at_once, lapse, rows

A, B, C = (f"http://127.0.0.1:{port}" for port in (1, 2, 3))


@pytest.fixture
def book(engine: sa.Engine) -> BackendBook:
    return BackendBook(engine)


@pytest.fixture
def seats(engine: sa.Engine) -> Seats:
    return Seats(engine)


def idle(*urls: str) -> list[Look]:
    return [Look(url=url, load=0) for url in urls]


def test_whoever_comes_at_the_same_moment_no_server_gets_more_than_two(
    book: BackendBook, seats: Seats
) -> None:
    wanted = [seats.new() for _ in range(12)]
    taken = at_once([partial(book.take, seat, idle(A, B, C)) for seat in wanted])
    assert sorted(map(str, taken)) == ["None"] * 6 + sorted([A, A, B, B, C, C])
    assert book.places() == {A: 2, B: 2, C: 2}


def test_every_server_gets_one_before_any_gets_two(book: BackendBook, seats: Seats) -> None:
    taken = [book.take(seats.new(), idle(A, B, C)) for _ in range(4)]
    assert taken == [A, B, C, A]


def test_a_place_that_is_left_is_free(book: BackendBook, seats: Seats) -> None:
    first, second, third = (seats.new() for _ in range(3))
    assert [book.take(seat, idle(A)) for seat in (first, second, third)] == [A, A, None]
    book.leave(first)
    book.leave(first)
    assert book.take(third, idle(A)) == A


def test_the_places_of_an_attempt_that_was_killed_are_free_when_its_lease_is_over(
    book: BackendBook, seats: Seats, engine: sa.Engine
) -> None:
    killed = seats.begin()
    for _ in range(2):
        book.take(seats.new(killed), idle(A))
    assert book.take(seats.new(), idle(A)) is None
    lapse(engine, killed.job_id)
    assert book.places() == {}
    assert book.take(seats.new(), idle(A)) == A
    assert len(rows(engine, backend_place)) == 1


def test_an_attempt_leaves_no_place_of_its_successor(book: BackendBook, seats: Seats) -> None:
    ours = seats.new()
    old = Seat(
        ticket=Ticket(job_id=ours.ticket.job_id, claim_id=ours.prompt_id),
        slot=ours.slot,
        prompt_id=ours.prompt_id,
    )
    book.take(ours, idle(A))
    book.leave(old)
    assert book.places() == {A: 1}


def test_a_render_that_goes_elsewhere_takes_its_place_along(
    book: BackendBook, seats: Seats
) -> None:
    seat = seats.new()
    assert book.take(seat, idle(A, B)) == A
    assert book.take(seat, idle(A, B), avoid=A) == B
    assert book.places() == {B: 1}


def test_prompts_of_strangers_count_and_ours_count_once(book: BackendBook, seats: Seats) -> None:
    ours = seats.new()
    book.keep(ours, A)
    stranger = Look(url=A, load=1, lone="somebody's")
    assert book.take(seats.new(), [stranger]) is None
    arrived = Look(url=A, load=1, lone=str(ours.prompt_id))
    assert book.take(seats.new(), [arrived]) == A
    assert book.take(seats.new(), [Look(url=B, load=2)]) is None
    assert book.take(seats.new(), [Look(url=B, load=1, lone="somebody's")]) == B


def test_a_render_that_is_on_a_full_server_already_is_noted_there(
    book: BackendBook, seats: Seats
) -> None:
    for _ in range(3):
        book.keep(seats.new(), A)
    assert book.places() == {A: 3}


def test_among_equals_the_server_with_the_model_warm_wins(book: BackendBook, seats: Seats) -> None:
    made = seats.new(model="ink")
    book.keep(made, B)
    book.leave(made, made_on=B)
    assert book.take(seats.new(model="ink"), idle(A, B, C)) == B
    assert book.take(seats.new(model="ink"), idle(A, B, C)) == A


def test_what_waits_last_on_a_server_is_what_it_will_have_loaded(
    book: BackendBook, seats: Seats
) -> None:
    book.take(seats.new(model="oil"), idle(A))
    book.take(seats.new(model="ink"), idle(B))
    assert book.take(seats.new(model="ink"), idle(A, B)) == B
    assert book.take(seats.new(model="ink"), idle(A, B)) == A


def test_a_lease_that_is_renewed_keeps_its_places(
    book: BackendBook, seats: Seats, engine: sa.Engine
) -> None:
    book.take(seats.new(), idle(A))
    lapse(engine, seats.ticket.job_id, timedelta(seconds=-1))
    seats.store.renew(seats.ticket)
    assert book.places() == {A: 1}
