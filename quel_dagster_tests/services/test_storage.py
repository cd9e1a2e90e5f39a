"""Pictures in and out of a real S3 server, and what is said when that cannot be done."""

import hashlib
import socketserver
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from uuid import UUID

import boto3
import pytest

from quel_dagster.demo.parts import reserved_port
from quel_dagster.model.errors import ConfigurationError, StorageAway
from quel_dagster.services import storage as storage_module
from quel_dagster.services.storage import Storage, picture_key, reference_key

MEMBER = UUID("6d0e8f3a-52f2-4f0b-9a33-0f6a2c9b7711")
JOB = UUID("0f6a2c9b-52f2-4f0b-9a33-6d0e8f3a7711")
KEY = "generated-images/user-1/a picture.webp"


def bucket(endpoint: str, name: str = "attachments") -> Storage:
    return Storage(boto3.Session(), name, endpoint=endpoint)


@pytest.fixture
def storage(s3_endpoint: str) -> Storage:
    return bucket(s3_endpoint)


@pytest.fixture
def one_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_module, "TRIES", 1)


@pytest.mark.parametrize("data", [b"", b"RIFF", bytes(range(256)) * 4096])
def test_what_was_stored_is_fetched_unchanged(storage: Storage, data: bytes) -> None:
    storage.put(KEY, data, "image/webp")
    assert storage.fetch(KEY) == data


def test_an_object_is_served_with_its_content_type(storage: Storage, s3_endpoint: str) -> None:
    storage.put(KEY, b"RIFF", "image/webp")
    s3 = boto3.Session().client("s3", endpoint_url=s3_endpoint)
    assert s3.head_object(Bucket="attachments", Key=KEY)["ContentType"] == "image/webp"


def test_storing_again_replaces_the_object(storage: Storage) -> None:
    storage.put(KEY, b"one", "image/webp")
    storage.put(KEY, b"two", "image/webp")
    assert storage.fetch(KEY) == b"two"


def test_a_key_without_an_object_is_none(storage: Storage) -> None:
    assert storage.fetch("uploads/missing.webp") is None


@pytest.mark.parametrize(("size", "fetched"), [(9, 9), (10, 10), (11, 11), (12, 11), (5000, 11)])
def test_a_file_beyond_the_limit_is_fetched_only_as_far_as_to_tell(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, size: int, fetched: int
) -> None:
    monkeypatch.setattr(storage_module, "LARGEST_REFERENCE", 10)
    storage.put(KEY, b"x" * size, "image/png")
    assert storage.fetch(KEY) == b"x" * fetched


VERBS: list[Callable[[Storage], object]] = [
    lambda storage: storage.put(KEY, b"RIFF", "image/webp"),
    lambda storage: storage.fetch(KEY),
]
ADVICE = "check S3_ENDPOINT_URL, the AWS variables and that the bucket exists"


@pytest.mark.parametrize("verb", VERBS)
def test_a_missing_bucket_is_told_with_what_to_do(
    s3_endpoint: str, verb: Callable[[Storage], object]
) -> None:
    with pytest.raises(StorageAway, match=ADVICE) as error:
        verb(bucket(s3_endpoint, "missing"))
    assert str(error.value).startswith("S3 bucket 'missing' did not ")
    assert KEY in str(error.value)
    assert "NoSuchBucket" in str(error.value)


@pytest.mark.usefixtures("one_try", "s3_endpoint")
@pytest.mark.parametrize("verb", VERBS)
def test_a_server_that_is_down_is_told_with_what_to_do(verb: Callable[[Storage], object]) -> None:
    with reserved_port() as port, pytest.raises(StorageAway, match=ADVICE) as error:
        verb(bucket(f"http://127.0.0.1:{port}"))
    assert f"127.0.0.1:{port}" in str(error.value)


@pytest.mark.parametrize("verb", VERBS)
def test_missing_credentials_are_told_with_what_to_do(
    verb: Callable[[Storage], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(StorageAway, match=ADVICE):
        verb(bucket("http://127.0.0.1:1"))


class BreaksOff(socketserver.StreamRequestHandler):
    """Announces 100 bytes of an object and is gone after ten."""

    def handle(self) -> None:
        while self.rfile.readline() not in {b"\r\n", b""}:
            pass
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")
        self.stop()

    def stop(self) -> None:
        """Hangs up."""


class FallsSilent(BreaksOff):
    """Announces 100 bytes of an object and says no more after ten."""

    def stop(self) -> None:
        assert self.rfile.read() == b""  # the client hangs up


@pytest.mark.usefixtures("one_try", "s3_endpoint")
@pytest.mark.parametrize("handler", [BreaksOff, FallsSilent])
def test_an_object_that_breaks_off_is_no_shorter_object(
    handler: type[BreaksOff], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_module, "READ_TIMEOUT", 0.2)
    with socketserver.TCPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.handle_request, daemon=True)
        thread.start()
        storage = bucket(f"http://127.0.0.1:{server.server_address[1]}")
        with pytest.raises(StorageAway, match=ADVICE):
            storage.fetch(KEY)
        storage.close()
        thread.join()


@pytest.mark.parametrize("endpoint", ["127.0.0.1:9000", "s3", "http://"])
def test_an_endpoint_that_is_no_address_is_refused(endpoint: str) -> None:
    with pytest.raises(ConfigurationError, match="expected http://host:port"):
        bucket(endpoint)


def test_a_picture_has_its_place_by_member_job_slot_and_content() -> None:
    digest = hashlib.sha256(b"RIFF").hexdigest()[:12]
    expected = f"generated-images/user-{MEMBER}/{JOB}/007-{digest}.webp"
    assert picture_key(MEMBER, JOB, 7, b"RIFF") == expected
    assert picture_key(None, JOB, 1000, b"RIFF") == (
        f"generated-images/user-none/{JOB}/1000-{digest}.webp"
    )


def test_only_the_same_picture_has_the_same_key() -> None:
    keys = {
        picture_key(member, job, slot, data)
        for member in (MEMBER, None)
        for job in (JOB, MEMBER)
        for slot in (0, 1)
        for data in (b"one", b"two")
    }
    assert len(keys) == 16


@pytest.mark.parametrize(
    ("file_path", "directory", "key"),
    [
        ("uploads/a.webp", None, "uploads/a.webp"),
        ("uploads/a.webp", "uploads/b.webp", "uploads/a.webp"),
        (None, "uploads/b.webp", "uploads/b.webp"),
        ("", "uploads/b.webp", "uploads/b.webp"),
        (" ", " uploads/b.webp ", "uploads/b.webp"),
        (
            "upload-2025-11-25T16-03-11-467Z.webp",
            None,
            "uploads/upload-2025-11-25T16-03-11-467Z.webp",
        ),
        ("", "upload-b.webp", "uploads/upload-b.webp"),
        ("generated-images/user-1/upload-c.webp", None, "generated-images/user-1/upload-c.webp"),
        ("uploads-old/d.webp", None, "uploads-old/d.webp"),
        (None, None, None),
        ("", "", None),
        (" ", None, None),
    ],
)
def test_a_reference_lies_where_productions_rule_says(
    file_path: str | None, directory: str | None, key: str | None
) -> None:
    assert reference_key(file_path, directory) == key
