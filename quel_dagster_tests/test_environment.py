"""From environment variables and a file to settings and clients."""

from datetime import timedelta
from pathlib import Path

import pytest

from quel_dagster.environment import Environment
from quel_dagster.model.errors import ConfigurationError

PRICE = "credits: {price_per_image: 20}\n"


def write(folder: Path, text: str) -> Path:
    file = folder / "own.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def environment(file: Path, **variables: str) -> Environment:
    return Environment({"QUEL_CONFIG": str(file), **variables})


def refusal(file: Path, **variables: str) -> str:
    with pytest.raises(ConfigurationError) as refused:
        _ = environment(file, **variables).settings
    return str(refused.value)


def test_the_shipped_configuration_serves_every_path_on_the_servers_of_the_environment() -> None:
    urls = "http://127.0.0.1:8188/, http://127.0.0.1:8189"
    settings = Environment({"COMFYUI_URLS": urls}).settings
    assert settings.comfyui.backends == ("http://127.0.0.1:8188", "http://127.0.0.1:8189")
    assert settings.comfyui.deadline == timedelta(minutes=5)
    assert set(settings.comfyui.models) == {"unet", "clip", "vae"}
    assert settings.credits.price_per_image == 20
    limits = {path: found.max_workers for path, found in settings.worker.modules.items()}
    threes = dict.fromkeys(("beauty", "eats", "cinema", "cartoon", "modify"), 3)
    assert limits == {"fashion": 5, **threes}
    assert all(settings.worker.path(path).enabled for path in limits)


@pytest.mark.parametrize("elsewhere", [{}, {"QUEL_CONFIG": ""}])
def test_the_shipped_configuration_needs_no_environment(elsewhere: dict[str, str]) -> None:
    assert Environment(elsewhere).settings.comfyui.backends == ()


def test_the_public_addresses_of_our_storage_are_those_of_the_environment() -> None:
    assert Environment({}).settings.storage.public_urls == ()
    urls = "https://files.example.test/attachments/, http://127.0.0.1:9000/attachments"
    assert Environment({"QUEL_PUBLIC_URLS": urls}).settings.storage.public_urls == (
        "https://files.example.test/attachments",
        "http://127.0.0.1:9000/attachments",
    )


def test_quel_config_names_another_file(tmp_path: Path) -> None:
    file = write(tmp_path, PRICE + "storage: {bucket: elsewhere}")
    assert environment(file).settings.storage.bucket == "elsewhere"


def test_variables_are_replaced_wherever_a_text_stands(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        """
        # ${COMMENT} stays a comment
        credits: {price_per_image: "${PRICE}"}
        storage: {bucket: "${STAGE}-${NAME}"}
        worker: {redis: {queue_names: ["${STAGE}:queue", plain]}}
        """,
    )
    settings = environment(
        file, PRICE="5", STAGE="test", NAME="pictures", COMMENT="\nunknown: key"
    ).settings
    assert settings.credits.price_per_image == 5
    assert settings.storage.bucket == "test-pictures"
    assert settings.worker.redis.queue_names == ("test:queue", "plain")


def test_a_variables_value_is_a_text_whatever_it_holds(tmp_path: Path) -> None:
    file = write(tmp_path, PRICE + "storage:\n  bucket: ${BUCKET}\n")
    value = "a: b]}\n# \"'"
    assert environment(file, BUCKET=value).settings.storage.bucket == value


def test_a_variable_that_is_not_set_is_empty(tmp_path: Path) -> None:
    file = write(tmp_path, 'credits: {price_per_image: "${PRICE}"}')
    assert refusal(file).startswith(f"{file}: credits.price_per_image: Input should be")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "expected a mapping of settings"),
        (b"- a\n- b\n", "expected a mapping of settings"),
        (b"credits: {price", "while parsing a flow mapping"),
        (b"\xff\xfe\x00", "codec can't decode"),
        (b"1: 2\n", "1: Keys should be strings"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused_by_name(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    file = tmp_path / "own.yaml"
    file.write_bytes(content)
    text = refusal(file)
    assert text.startswith(f"{file}: ")
    assert expected in text


def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path: Path) -> None:
    assert refusal(tmp_path / "missing.yaml").startswith(f"{tmp_path}/missing.yaml: ")
    assert refusal(tmp_path).startswith(f"{tmp_path}: ")


def test_without_render_servers_the_variable_to_set_is_named() -> None:
    with pytest.raises(ConfigurationError, match="no address; set COMFYUI_URLS"):
        _ = Environment({}).backends


@pytest.mark.parametrize(
    ("client", "name"), [("store", "QUEL_DATABASE_URL"), ("queue", "QUEL_REDIS_URL")]
)
@pytest.mark.parametrize("unset", [True, False])
def test_a_client_without_its_address_names_the_variable(
    client: str, name: str, unset: bool
) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} is not set"):
        getattr(Environment({} if unset else {name: ""}), client)


@pytest.mark.parametrize(
    ("client", "name", "value"),
    [
        ("store", "QUEL_DATABASE_URL", "mysql://quel:secret@db/quel"),
        ("store", "QUEL_DATABASE_URL", "postgresql://quel:secret@db:port/quel"),
        ("queue", "QUEL_REDIS_URL", "http://:secret@cache:6379"),
        ("queue", "QUEL_REDIS_URL", "redis://:secret@cache:port"),
        ("queue", "QUEL_REDIS_URL", "redis://:secret#1@cache:6379"),
        ("storage", "S3_ENDPOINT_URL", "secret@s3"),
    ],
)
def test_a_client_with_an_unusable_address_is_refused_without_repeating_its_password(
    client: str, name: str, value: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        getattr(Environment({name: value}), client)
    texts = [str(refused.value), str(refused.value.__cause__)]
    assert not any("secret" in text for text in texts)
    assert "expected" in texts[0]


def test_a_wrong_setting_says_nothing_of_the_rest_of_the_environment(tmp_path: Path) -> None:
    url = "postgresql://quel:secret@db/quel"
    for text in ("credits: {price", "credits: {}", "storage: 3", "other: ${QUEL_DATABASE_URL}"):
        assert "secret" not in refusal(write(tmp_path, text), QUEL_DATABASE_URL=url)


def test_each_client_is_built_once() -> None:
    there = Environment(
        {
            "QUEL_DATABASE_URL": "postgresql://127.0.0.1/quel",
            "QUEL_REDIS_URL": "redis://127.0.0.1:1",
            "COMFYUI_URLS": "http://127.0.0.1:1",
        }
    )
    for client in ("settings", "engine", "store", "queue", "storage", "backends"):
        assert getattr(there, client) is getattr(there, client)
    there.close()
