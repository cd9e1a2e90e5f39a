"""A path's limit as an operator sets it: a Dagster pool, read at every tick."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import dagster as dg
import pytest

from quel_dagster.intake.limits import live_limits
from quel_dagster.intake.tick import Tick
from quel_dagster.model.settings import Settings, WorkerSettings
from quel_dagster.services.depths import Depths
from quel_dagster.services.limits import Change, Limits
from quel_dagster_tests.intake.door import HASTY, Door
from quel_dagster_tests.intake.test_sensor import CATEGORIES, SENSOR

AGE = timedelta(minutes=1)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


class Front:
    """The sensor's ticks, on an instance whose pools an operator may change between them."""

    def __init__(self, door: Door, instance: dg.DagsterInstance) -> None:
        worker = {**HASTY, "modules": {"fashion": {"max_workers": 2}}}
        self._resources = {
            "queue": door.queue,
            "store": door.store,
            "settings": Settings.model_validate(
                {"worker": worker, "credits": {"price_per_image": 20}}
            ),
        }
        self._instance = instance

    def set(self, path: str, limit: int) -> None:
        """What the UI does when an operator edits a pool."""
        self._instance.event_log_storage.set_concurrency_slots(path, limit)

    def tick(self) -> list[UUID]:
        """The jobs that a tick lets in."""
        with dg.build_sensor_context(instance=self._instance, resources=self._resources) as context:
            found = SENSOR.evaluate_tick(context).run_requests or []
        return [UUID(request.tags["quel/job_id"]) for request in found]


@pytest.fixture
def front(door: Door, instance: dg.DagsterInstance) -> Front:
    return Front(door, instance)


def test_the_first_limit_is_the_configurations(front: Front, door: Door) -> None:
    jobs = [door.unrung(age=AGE * n) for n in (3, 2, 1)]
    assert front.tick() == jobs[:2]
    assert front.tick() == []


def test_a_limit_that_was_raised_holds_from_the_next_tick_on(front: Front, door: Door) -> None:
    jobs = [door.unrung(age=AGE * n) for n in (3, 2, 1)]
    assert front.tick() == jobs[:2]
    front.set("fashion", 3)
    assert front.tick() == jobs[2:]


def test_a_paused_path_starts_nothing_and_loses_nothing(front: Front, door: Door) -> None:
    front.tick()
    front.set("fashion", 0)
    waits, rung, other = door.unrung(age=AGE), door.order(), door.order("beauty")
    assert front.tick() == [other]
    assert front.tick() == []
    front.set("fashion", 2)
    assert front.tick() == [waits, rung]


def test_a_limit_that_fell_touches_nobody_and_lets_in_nobody(front: Front, door: Door) -> None:
    jobs = [door.unrung(age=AGE * n) for n in (3, 2, 1)]
    assert front.tick() == jobs[:2]
    front.set("fashion", 1)
    assert front.tick() == []
    assert {living.count for living in Depths(door.engine).living()} == {2}


def test_a_limit_that_changes_while_a_tick_waits_for_a_ring_is_in_force_for_it(door: Door) -> None:
    answers = iter([{"fashion": 2}, {"fashion": 0}])
    settings = WorkerSettings.model_validate(HASTY)
    log = logging.getLogger("tick")
    tick = Tick(door.queue, door.store, settings, lambda: next(answers), log)
    door.order()
    assert tick.let_in() == []


def test_what_an_operator_set_outlives_the_configuration(instance: dg.DagsterInstance) -> None:
    before, after = (
        WorkerSettings.model_validate({"modules": {"fashion": {"max_workers": n}}}) for n in (5, 9)
    )
    assert live_limits(instance, ["fashion"], before) == {"fashion": 5}
    instance.event_log_storage.set_concurrency_slots("fashion", 3)
    assert live_limits(instance, ["fashion"], after) == {"fashion": 3}


def test_a_pool_that_was_deleted_begins_anew_with_the_configuration(
    instance: dg.DagsterInstance,
) -> None:
    settings = WorkerSettings.model_validate({"modules": {"fashion": {"max_workers": 5}}})
    live_limits(instance, ["fashion"], settings)
    instance.event_log_storage.set_concurrency_slots("fashion", 3)
    instance.event_log_storage.delete_concurrency_limit("fashion")
    assert live_limits(instance, ["fashion"], settings) == {"fashion": 5}


def test_a_change_is_told_once_with_the_old_value_and_the_new(door: Door) -> None:
    limits = Limits(door.engine)
    assert limits.note({"eats": 3, "fashion": 5}) == [
        Change(path="eats", before=None, after=3),
        Change(path="fashion", before=None, after=5),
    ]
    assert limits.note({"eats": 3, "fashion": 0}) == [Change(path="fashion", before=5, after=0)]
    assert limits.note({"eats": 3, "fashion": 0}) == []
    assert limits.read() == {"eats": 3, "fashion": 0}
    assert str(Change(path="fashion", before=5, after=0)) == (
        "the limit of path fashion was 5 and is now 0: the path is paused"
    )


def test_every_category_names_its_pool() -> None:
    for category in CATEGORIES:
        pools = set[str]().union(*(node.definition.pools for node in category.graph.nodes))
        assert pools == {category.path}
