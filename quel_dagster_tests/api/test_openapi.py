"""The OpenAPI document and its page: whole, true, and sufficient in themselves."""

import re
from collections.abc import Callable
from typing import Any, cast

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from openapi_spec_validator import validate
from schemathesis import Case
from schemathesis.specs.openapi.checks import positive_data_acceptance

from quel_dagster.api.openapi import document
from quel_dagster.api.shapes import NewOrder
from quel_dagster_tests.api.serving import TOKEN, Api, order
from quel_dagster_tests.builders import make_member

BEYOND_THE_PAGE = [positive_data_acceptance]
"""That a member exists and can pay, and what an input means, no schema can say."""

schema = schemathesis.openapi.from_dict(document())
schema.config.generation.update(with_security_parameters=False)
LIMITED = settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

Property = Callable[[Case[Any], Api], None]
every_operation = cast("Callable[[Property], Property]", schema.parametrize())
placing_orders = cast(
    "Callable[[Property], Property]", schema.include(path="/api/jobs", method="POST").parametrize()
)


def check(case: Case[Any], api: Api) -> None:
    """The answer is one that the page describes, and never a 500."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    case.call_and_validate(
        base_url=api.url, headers=headers, excluded_checks=BEYOND_THE_PAGE, timeout=30
    )


@every_operation
@LIMITED
def test_no_request_that_anybody_can_think_of_ends_in_a_500(case: Case[Any], locked: Api) -> None:
    check(case, locked)


@placing_orders
@LIMITED
def test_nor_does_one_of_a_customer_who_can_pay(case: Case[Any], locked: Api) -> None:
    if isinstance(case.body, dict):
        case.body |= {"quel_member_id": str(make_member(locked.engine, 10**9)), "org_id": None}
    check(case, locked)


def test_the_document_is_valid_and_is_what_is_served(api: Api) -> None:
    served = api.get("/openapi.json").json()
    validate(served)
    assert served == document()


def test_every_route_is_described(api: Api) -> None:
    described = document()["paths"]
    assert isinstance(described, dict)
    shown = {path for path in described if path not in {"/openapi.json", "/docs"}}
    assert shown == {
        "/api/jobs",
        "/api/jobs/{job_id}",
        "/api/jobs/{job_id}/cancel",
        "/enqueue",
        "/api/enqueue",
        "/health",
        "/ready",
        "/metrics",
    }


def test_the_example_of_an_order_is_one(api: Api) -> None:
    described = NewOrder.model_json_schema()["properties"]["job_input_data"]
    given = described["examples"][0]
    answer = api.post("/api/jobs", order(str(make_member(api.engine)), job_input_data=given))
    assert (answer.status_code, answer.json()["total_images"]) == (201, 2)


def test_the_page_needs_nothing_from_outside(api: Api) -> None:
    answer = api.get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", answer.text)
    assert "<script" not in answer.text
    assert "url(" not in answer.text
    for path in ("/api/jobs", "/enqueue", "/metrics"):
        assert f"<code>{path}</code>" in answer.text
