"""How the size of a batch follows the time that batches take."""

from quel_dagster.services.pace import LONGEST, Pace


def test_the_first_batch_is_as_large_as_may_be() -> None:
    assert Pace(5000).size == 5000


def test_a_slow_batch_makes_the_next_one_fit() -> None:
    pace = Pace(5000)
    pace.took(5000, 4 * LONGEST)
    assert pace.size == 1250


def test_batches_grow_again_by_no_more_than_double_and_never_beyond_the_most() -> None:
    pace = Pace(5000)
    pace.took(5000, 4 * LONGEST)
    sizes: list[int] = []
    for _ in range(3):
        pace.took(pace.size, 0.0)
        sizes.append(pace.size)
    assert sizes == [2500, 5000, 5000]


def test_a_batch_that_was_not_full_counts_only_when_it_was_slow() -> None:
    pace = Pace(5000)
    pace.took(10, 0.001)
    assert pace.size == 5000
    pace.took(10, 2 * LONGEST)
    assert pace.size == 5


def test_a_batch_that_failed_halves_the_next_down_to_one_row() -> None:
    pace = Pace(3)
    pace.failed()
    assert pace.size == 1
    pace.failed()
    assert pace.size == 1
    pace.took(1, 100.0)
    assert pace.size == 1
