"""What an operator may write into the configuration, and what is said when it is wrong."""

from datetime import timedelta
from pathlib import Path

import pytest

from quel_dagster.model.errors import ConfigurationError
from quel_dagster.model.settings import PathSettings, UnknownPath, read_settings

PRICE: dict[str, object] = {"credits": {"price_per_image": 20}}


def refusal(**sections: object) -> str:
    with pytest.raises(ConfigurationError) as refused:
        read_settings({**PRICE, **sections}, "/etc/quel.yaml")
    return str(refused.value)


def test_a_price_is_all_that_must_be_set() -> None:
    settings = read_settings(PRICE, "a file")
    assert settings.credits.price_per_image == 20
    assert settings.worker.redis.queue_names == ("quel_jobs_queue", "jobs:queue")
    assert settings.worker.redis.timeout == timedelta(seconds=4)
    assert settings.worker.pending.grace == timedelta(seconds=30)
    assert settings.worker.pending.max_age == timedelta(hours=24)
    assert settings.worker.attempts.max == 3
    assert settings.worker.attempts.renders == 6
    assert settings.worker.attempts.time == timedelta(hours=1)
    assert settings.worker.fallback.default_path == "fashion"
    assert settings.worker.fallback.unknown_path_behavior is UnknownPath.USE_DEFAULT
    assert settings.worker.ignored_paths == ("multiview", "landing")
    assert settings.comfyui.backends == ()
    assert settings.storage.bucket == "attachments"


def test_a_path_that_the_file_does_not_name_has_the_defaults() -> None:
    modules = {"eats": {"max_workers": 7, "workflow": "eats.json"}}
    worker = read_settings({**PRICE, "worker": {"modules": modules}}, "a file").worker
    assert worker.path("eats") == PathSettings(max_workers=7, workflow=Path("eats.json"))
    assert worker.path("cinema") == PathSettings(enabled=True, max_workers=3)


@pytest.mark.parametrize(
    ("written", "span"),
    [
        ("250ms", timedelta(milliseconds=250)),
        ("0s", timedelta(0)),
        ("4s", timedelta(seconds=4)),
        ("1.5s", timedelta(seconds=1.5)),
        ("5m", timedelta(minutes=5)),
        ("24h", timedelta(days=1)),
        ("7d", timedelta(days=7)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(written: str, span: timedelta) -> None:
    document = {**PRICE, "worker": {"pending": {"grace": written}}}
    assert read_settings(document, "a file").worker.pending.grace == span


@pytest.mark.parametrize("written", [4, 4.0, "4", "s", "-4s", "4 s", "4 seconds", "", None, ["4s"]])
def test_a_duration_without_number_or_unit_is_refused(written: object) -> None:
    expected = (
        "/etc/quel.yaml: worker.redis.timeout: "
        f"expected a number and a unit such as 4s, 5m or 24h, got {written!r}"
    )
    assert refusal(worker={"redis": {"timeout": written}}) == expected


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ([], ()),
        ([""], ()),
        ([" , "], ()),
        (["http://a:8188"], ("http://a:8188",)),
        (["http://a:8188, https://b/ ,"], ("http://a:8188", "https://b")),
        (["http://a", "http://b,http://c"], ("http://a", "http://b", "http://c")),
    ],
)
def test_addresses_may_stand_apart_or_together(written: object, found: tuple[str, ...]) -> None:
    settings = read_settings({**PRICE, "comfyui": {"backends": written}}, "a file")
    assert settings.comfyui.backends == found


@pytest.mark.parametrize(
    ("section", "value", "expected"),
    [
        ("redis", {}, "redis: unknown key; remove it or correct its spelling"),
        (
            "worker",
            {"redis": {"time_out": "4s"}},
            "worker.redis.time_out: unknown key; remove it or correct its spelling",
        ),
        (
            "worker",
            {"modules": {"eats": {"backends": []}}},
            "worker.modules.eats.backends: unknown key; remove it or correct its spelling",
        ),
        ("credits", {}, "credits.price_per_image: required and not set"),
        ("credits", None, "credits: Input should be a valid dictionary"),
        ("credits", {"price_per_image": "free"}, "credits.price_per_image: Input should be"),
        ("credits", {"price_per_image": ""}, "credits.price_per_image: Input should be"),
        ("credits", {"price_per_image": 2.5}, "credits.price_per_image: Input should be"),
        ("credits", {"price_per_image": -1}, "credits.price_per_image: Input should be greater"),
        ("worker", [], "worker: Input should be a valid dictionary"),
        ("worker", {"modules": ["eats"]}, "worker.modules: Input should be a valid dictionary"),
        (
            "worker",
            {"modules": {"eats": {"max_workers": 0}}},
            "worker.modules.eats.max_workers: Input should be greater than or equal to 1",
        ),
        (
            "worker",
            {"modules": {"eats": {"enabled": "perhaps"}}},
            "worker.modules.eats.enabled: Input should be a valid boolean",
        ),
        ("worker", {"redis": {"queue_names": []}}, "worker.redis.queue_names: Tuple should have"),
        ("worker", {"redis": {"queue_names": "q"}}, "worker.redis.queue_names: Input should be"),
        ("worker", {"redis": {"timeout": "9s"}}, "worker.redis.timeout: Input should be less"),
        ("worker", {"attempts": {"renders": -1}}, "worker.attempts.renders: Input should be gr"),
        ("worker", {"attempts": {"max": 0}}, "worker.attempts.max: Input should be greater"),
        ("worker", {"attempts": {"lease": "0s"}}, "worker.attempts.lease: Input should be greater"),
        (
            "worker",
            {"fallback": {"unknown_path_behavior": "drop"}},
            "worker.fallback.unknown_path_behavior: Input should be 'use_default' or 'reject'",
        ),
        ("comfyui", {"backends": "http://a"}, "comfyui.backends: expected a list of addresses"),
        ("comfyui", {"backends": [None]}, "comfyui.backends: expected a list of addresses"),
        (
            "comfyui",
            {"backends": ["http://a", "b:8188"]},
            "comfyui.backends: expected addresses such as http://127.0.0.1:8188",
        ),
    ],
)
def test_a_wrong_setting_is_named_in_full_with_its_file(
    section: str, value: object, expected: str
) -> None:
    assert refusal(**{section: value}).startswith(f"/etc/quel.yaml: {expected}")


def test_every_wrong_setting_is_named_at_once() -> None:
    text = refusal(worker={"redis": {"timeout": 4, "name": "q"}}, comfyui={"deadline": "soon"})
    for key in ("worker.redis.timeout: ", "worker.redis.name: ", "comfyui.deadline: "):
        assert key in text


@pytest.mark.parametrize(
    ("modules", "fallback", "path"),
    [
        ({"fashion": {"enabled": False}}, {}, "fashion"),
        ({"eats": {"enabled": False}}, {"default_path": "eats"}, "eats"),
    ],
)
def test_the_fallback_cannot_be_a_path_that_is_switched_off(
    modules: object, fallback: object, path: str
) -> None:
    expected = f"/etc/quel.yaml: worker.fallback.default_path: {path} is not enabled"
    assert refusal(worker={"modules": modules, "fallback": fallback}) == expected
