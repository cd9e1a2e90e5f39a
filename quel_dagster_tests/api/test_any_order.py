"""Whatever is ordered is taken or refused by field: no answer is a 500, no row is half written."""

import json
import os
import sys

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from quel_dagster.services import tables
from quel_dagster_tests.api.serving import Api, order
from quel_dagster_tests.builders import make_member
from quel_dagster_tests.model.grammar import SHAPES, WILD
from quel_dagster_tests.services.store.jobs import rows

often = settings(
    max_examples=150,
    deadline=None,
    derandomize="CI" in os.environ,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def member(api: Api) -> str:
    """Somebody who can pay for anything."""
    return str(make_member(api.engine, 10**9))


@pytest.mark.parametrize("shape", SHAPES)
@often
@given(data=st.data(), total=st.sampled_from([None, 1, 5, 60]))
def test_any_input_is_taken_or_refused_by_field(
    api: Api, member: str, shape: str, data: st.DataObject, total: int | None
) -> None:
    given_input = data.draw(SHAPES[shape] | WILD)
    body = order(member, job_type=shape, job_input_data=given_input, total_images=total)
    answer = api.client.post("/api/jobs", content=as_text(body))
    told = answer.json()
    event(f"status {answer.status_code}")
    if answer.status_code == 201:
        assert told["total_images"] >= 1
        assert api.get(f"/api/jobs/{told['job_id']}").json()["job_status"] == "pending"
        return
    assert answer.status_code in {400, 422}, answer.text
    assert told["error"]["message"]
    if answer.status_code == 422 and told["error"]["field"]:
        assert told["error"]["field"].split(".")[0].split("[")[0] in body


def test_what_is_refused_leaves_no_row(api: Api, member: str) -> None:
    body = order(member, job_input_data={"combinations": [{"quantity": "three"}]})
    assert api.post("/api/jobs", body).status_code == 422
    assert rows(api.engine, tables.photo) == rows(api.engine, tables.job) == []


def as_text(body: object) -> bytes:
    """As JSON, with all that only Python calls so."""
    sys.set_int_max_str_digits(0)
    try:
        return json.dumps(body).encode()
    finally:
        sys.set_int_max_str_digits(4300)
