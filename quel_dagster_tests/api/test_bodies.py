"""What a body may be: JSON that PostgreSQL can keep, within its size."""

import json
from collections.abc import Callable

import pytest

from quel_dagster.api import bodies
from quel_dagster_tests.api.serving import Api, order
from quel_dagster_tests.builders import make_member

MEGABYTE = 1024 * 1024
TOO_DEEP = '{"a":' * 99 + "[]" + "}" * 99


def post(api: Api, content: bytes) -> tuple[int, str]:
    answer = api.client.post("/api/jobs", content=content)
    return answer.status_code, answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        (b"", 400, "must be JSON"),
        (b"quel_member_id=7", 400, "must be JSON"),
        (b"\xff\xfe\xfd", 400, "must be JSON"),
        (b'{"a": NaN}', 400, "NaN is no number"),
        (b'{"a": -Infinity}', 400, "-Infinity is no number"),
        (b'{"a": 1e999}', 400, "too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", 400, "must be JSON"),
        (b"[" * 100_000 + b"]" * 100_000, 400, "must be JSON"),
        (b"[]", 422, "dictionary"),
        (b'"text"', 422, "dictionary"),
        (b"null", 422, "dictionary"),
    ],
)
def test_a_body_that_is_no_order_is_refused(
    api: Api, content: bytes, status: int, message: str
) -> None:
    found, said = post(api, content)
    assert (found, message in said) == (status, True), said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (r'"a \u0000 b"', "NUL"),
        (r'"\ud83d"', "surrogate"),
        (r'{"\udc00": 1}', "surrogate"),
        (r'{"a\u0000": 1}', "NUL"),
        (TOO_DEEP, "levels deep"),
    ],
)
def test_json_that_postgresql_cannot_keep_is_refused(api: Api, text: str, message: str) -> None:
    body = order(str(make_member(api.engine)), job_input_data={"basePrompt": "HERE"})
    content = json.dumps(body).replace('"HERE"', text).encode()
    status, said = post(api, content)
    assert (status, message in said) == (422, True), said


@pytest.mark.parametrize(
    "prompt",
    ["여름 테라스 🌴 ", "\t\n\x7f  ", 'back \\u0000 slash "quoted"', "' OR 1=1; --", "%s :x"],
)
def test_any_other_text_arrives_as_it_was_sent(api: Api, prompt: str) -> None:
    answer = api.order(job_input_data={"basePrompt": prompt, "note": 10**4000, "deep": [[[{}]]]})
    assert answer.status_code == 201, answer.text
    assert api.row(answer.json()["job_id"])["job_input_data"]["basePrompt"] == prompt


def test_an_order_may_be_as_large_as_configured_and_no_larger(api: Api) -> None:
    def sized(size: int) -> bytes:
        body = order(str(make_member(api.engine)), job_input_data={"basePrompt": "x", "note": ""})
        text = json.dumps(body)
        return text.replace('"note": ""', f'"note": "{"n" * (size - len(text))}"').encode()

    fits, large = sized(MEGABYTE), sized(MEGABYTE + 1)
    assert len(large) == MEGABYTE + 1
    assert api.client.post("/api/jobs", content=fits).status_code == 201
    assert post(api, large) == (413, f"the body is larger than {MEGABYTE} bytes")


def test_a_ring_is_small(api: Api) -> None:
    answer = api.post("/enqueue", {"job_id": "x", "note": "n" * 5000})
    assert answer.status_code == 413


def test_a_body_without_a_length_is_counted_as_it_comes(api: Api) -> None:
    def chunks() -> list[bytes]:
        return [b"x" * 65_536] * 64

    answer = api.client.post("/api/jobs", content=iter(chunks()))
    assert answer.status_code == 413


def test_a_body_that_does_not_arrive_is_not_waited_for(
    api: Api, monkeypatch: pytest.MonkeyPatch, slow_caller: Callable[[Api], bytes]
) -> None:
    monkeypatch.setattr(bodies, "PATIENCE", 0.2)
    assert b" 408 " in slow_caller(api)


@pytest.fixture
def slow_caller() -> Callable[[Api], bytes]:
    """Announces a body, never sends it, and returns the first line of the answer."""
    import socket

    def call(api: Api) -> bytes:
        address = (api.client.base_url.host, api.client.base_url.port or 0)
        with socket.create_connection(address, timeout=20) as caller:
            caller.sendall(
                b"POST /api/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
            )
            return caller.recv(1024).splitlines()[0]

    return call
