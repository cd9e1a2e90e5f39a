"""`Idempotency-Key`: a request repeated under it finds the job of the first one."""

from typing import Any
from uuid import UUID

import pytest

from quel_dagster.services import tables
from quel_dagster_tests.api.serving import Api, order
from quel_dagster_tests.builders import make_member
from quel_dagster_tests.services.store.jobs import at_once, change, rows

KEY = "Idempotency-Key"


def post(api: Api, member: UUID, key: str, **fields: object) -> tuple[int, dict[str, Any]]:
    answer = api.post("/api/jobs", order(str(member), **fields), **{KEY: key})
    return answer.status_code, answer.json()


def test_a_repeated_order_is_the_first_one_and_rings_again(api: Api) -> None:
    member = make_member(api.engine, credit=20)
    (first, placed), (second, again) = (post(api, member, "order-1") for _ in range(2))
    assert (first, second) == (201, 200)
    assert again == {**placed, "repeated": True}
    assert len(rows(api.engine, tables.job)) == len(rows(api.engine, tables.photo)) == 1
    assert api.rings() == [placed["job_id"]]


def test_it_stays_the_first_one_when_the_credits_are_gone(api: Api) -> None:
    member = make_member(api.engine)
    _, placed = post(api, member, "order-1")
    change(api.engine, tables.member, member, quel_member_credit=0)
    assert post(api, member, "order-1") == (200, {**placed, "repeated": True})


def test_the_order_of_the_fields_makes_no_other_order(api: Api) -> None:
    body = order(str(make_member(api.engine)))
    turned = dict(reversed(body.items()))
    answers = [api.post("/api/jobs", each, **{KEY: "order-1"}) for each in (body, turned)]
    assert [answer.status_code for answer in answers] == [201, 200]


def test_another_order_under_the_same_key_is_refused(api: Api) -> None:
    member = make_member(api.engine)
    post(api, member, "order-1")
    status, told = post(api, member, "order-1", production_name="another")
    assert (status, told["error"]["field"]) == (422, KEY)
    assert len(rows(api.engine, tables.job)) == 1


def test_two_members_may_use_the_same_key(api: Api) -> None:
    statuses = [post(api, make_member(api.engine), "order-1")[0] for _ in range(2)]
    assert statuses == [201, 201]


def test_a_refused_order_leaves_its_key_free(api: Api) -> None:
    member = make_member(api.engine, credit=0)
    assert post(api, member, "order-1")[0] == 402
    change(api.engine, tables.member, member, quel_member_credit=20)
    assert post(api, member, "order-1")[0] == 201


def test_ten_equal_requests_at_once_are_one_order(api: Api) -> None:
    member = make_member(api.engine, credit=20)
    answers = at_once([lambda: post(api, member, "order-1")] * 10)
    found = [answer for answer in answers if isinstance(answer, tuple)]
    assert sorted(status for status, _ in found) == [200] * 9 + [201]
    assert len({str(placed["job_id"]) for _, placed in found}) == 1
    assert len(rows(api.engine, tables.job)) == 1


def test_a_key_lives_as_long_as_its_job(api: Api) -> None:
    member = make_member(api.engine)
    post(api, member, "order-1")
    with api.engine.begin() as tx:
        tx.execute(tables.photo.delete())
    assert post(api, member, "order-1")[0] == 201


@pytest.mark.parametrize(
    "key", ["", "two words", "x" * 256, "schlüssel".encode().decode("latin-1")]
)
def test_a_key_that_is_none_is_refused(api: Api, key: str) -> None:
    answer = api.client.post(
        "/api/jobs",
        json=order(str(make_member(api.engine))),
        headers=[(KEY.encode(), key.encode("latin-1"))],
    )
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, KEY)
