"""Who may call: the token, or on loopback without one whoever is on the machine."""

import httpx
import pytest

from quel_dagster.api.guard import check_binding, is_loopback
from quel_dagster.model.errors import ConfigurationError
from quel_dagster_tests.api.serving import TOKEN, Api

LOCKED = [
    ("POST", "/api/jobs"),
    ("GET", "/api/jobs/0b9f5d7c-8f0e-4a55-9a43-1d1c1f1f3c20"),
    ("POST", "/api/jobs/0b9f5d7c-8f0e-4a55-9a43-1d1c1f1f3c20/cancel"),
    ("POST", "/enqueue"),
    ("POST", "/api/enqueue"),
    ("GET", "/metrics"),
    ("GET", "/nowhere"),
]
OPEN = ["/health", "/ready", "/docs", "/openapi.json"]


def test_w70_nothing_is_done_for_whoever_has_no_token(locked: Api) -> None:
    for method, path in LOCKED:
        for headers in (
            {},
            {"Authorization": "Bearer wrong"},
            {"Authorization": f"Bearer {TOKEN}x"},
            {"Authorization": "Bearer"},
            {"Authorization": f"Basic {TOKEN}"},
            {"Authorization": TOKEN},
        ):
            answer = locked.client.request(method, path, headers=headers, json={})
            assert (answer.status_code, path) == (401, path)
            assert answer.headers["www-authenticate"] == "Bearer"
            assert TOKEN not in answer.text


def test_whoever_has_the_token_is_served(locked: Api) -> None:
    locked.client.headers["Authorization"] = f"bearer {TOKEN}"
    assert locked.order().status_code == 201
    assert locked.get("/metrics").status_code == 200
    assert locked.get("/nowhere").status_code == 404


def test_watchers_and_readers_need_no_token(locked: Api) -> None:
    assert [locked.get(path).status_code for path in OPEN] == [200] * 4


def test_a_header_that_is_no_text_opens_nothing(locked: Api) -> None:
    headers = [(b"authorization", b"Bearer \xff\xfe")]
    assert locked.client.get("/metrics", headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:8000"}, 200),
        ({"Host": "[::1]:8000"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "[bad"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://quel.example"}, 200),
        ({"Host": "localhost:8000", "Origin": "http://localhost:8000"}, 200),
    ],
)
def test_w70_a_foreign_page_in_a_browser_here_is_nobody_on_this_machine(
    api: Api, headers: dict[str, str], status: int
) -> None:
    answer = api.client.get("/metrics", headers=headers)
    assert answer.status_code == status


def test_w70_pages_may_call_only_from_configured_origins(api: Api) -> None:
    def preflight(origin: str) -> httpx.Response:
        asked = {"Access-Control-Request-Method": "POST"}
        asked["Access-Control-Request-Headers"] = "authorization,idempotency-key"
        return api.client.options("/api/jobs", headers={"Origin": origin, **asked})

    allowed, refused = preflight("https://quel.example"), preflight("https://evil.example")
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "https://quel.example"
    assert refused.status_code == 400
    assert "access-control-allow-origin" not in refused.headers


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "LOCALHOST"])
def test_a_door_on_this_machine_needs_no_lock(host: str) -> None:
    assert is_loopback(host)
    check_binding(host, None)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "quel.example", ""])
def test_a_door_that_others_can_reach_needs_one(host: str) -> None:
    with pytest.raises(ConfigurationError, match="set QUEL_API_TOKEN"):
        check_binding(host, None)
    check_binding(host, TOKEN)
