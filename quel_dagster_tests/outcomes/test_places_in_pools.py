"""Pools that limit ops, which is Dagster's default: a dead run must not keep others waiting."""

from quel_dagster_tests.outcomes.desk import Desk
from quel_dagster_tests.services.store.jobs import lapse

STEP = "fashion_specs"


def test_the_place_of_a_dead_run_is_the_next_attempts(shared_desk: Desk) -> None:
    desk, pools = shared_desk, shared_desk.instance.event_log_storage
    pools.set_concurrency_slots("fashion", 1)
    ticket, run_id = desk.begin()
    assert pools.claim_concurrency_slot("fashion", run_id, STEP).is_claimed
    assert not pools.claim_concurrency_slot("fashion", "the next run", STEP).is_claimed
    lapse(desk.engine, ticket.job_id)
    assert desk.sweep() == 1
    assert pools.claim_concurrency_slot("fashion", "the next run", STEP).is_claimed


def test_the_place_of_a_run_that_lives_stays_its_own(shared_desk: Desk) -> None:
    desk, pools = shared_desk, shared_desk.instance.event_log_storage
    pools.set_concurrency_slots("fashion", 1)
    _, run_id = desk.begin()
    assert pools.claim_concurrency_slot("fashion", run_id, STEP).is_claimed
    assert desk.sweep() == 0
    assert not pools.claim_concurrency_slot("fashion", "the next run", STEP).is_claimed
