"""S3: the customers' reference pictures in, finished pictures out.

How a key is made is decided here; what a picture is, is not.
"""

import hashlib
from collections.abc import Generator
from contextlib import closing, contextmanager
from uuid import UUID

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from quel_dagster.model.errors import ConfigurationError, StorageAway

LARGEST_REFERENCE = 50 * 1024 * 1024
"""Bytes. Larger files are not fetched."""

READ_TIMEOUT = 30.0
"""Seconds of silence after which a request counts as failed."""

GONE = frozenset({"404", "NoSuchKey", "NotFound"})
TRIES = 3
"""Requests per call, with botocore's exponential backoff and jitter between them."""


class Storage:
    """One bucket.

    Args:
        session: credentials and region.
        bucket: its name, `attachments` in production.
        endpoint: address of an S3-compatible server; None for Amazon's own.

    Raises:
        ConfigurationError: the endpoint is no address.
    """

    def __init__(self, session: boto3.Session, bucket: str, *, endpoint: str | None) -> None:
        self._bucket = bucket
        config = Config(
            connect_timeout=5,
            read_timeout=READ_TIMEOUT,
            retries={"mode": "standard", "total_max_attempts": TRIES},
            s3={"addressing_style": "path"} if endpoint else {},
        )
        try:
            self._s3 = session.client("s3", endpoint_url=endpoint, config=config)
        except ValueError:
            raise ConfigurationError(
                "the S3 address cannot be read; expected http://host:port (S3_ENDPOINT_URL)"
            ) from None

    def close(self) -> None:
        """Closes the kept connections."""
        self._s3.close()

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Stores an object; storing the same one again changes nothing.

        Raises:
            StorageAway: S3 did not take it, after retries.
        """
        with self._reaching(f"store {key}"):
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=content_type)

    def fetch(self, key: str) -> bytes | None:
        """An object's bytes; None when there is no such key.

        Of a file larger than `LARGEST_REFERENCE` one byte more than that, which tells it is.

        Raises:
            StorageAway: S3 did not answer, after retries.
        """
        with self._reaching(f"fetch {key}"):
            try:
                answer = self._s3.get_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in GONE:
                    return None
                raise
            with closing(answer["Body"]) as body:  # its own `with` hands out what checks nothing
                data = body.read(LARGEST_REFERENCE + 1)
                if len(data) <= LARGEST_REFERENCE:
                    body.read(1)  # the length is checked at the end only: it may have broken off
                return data

    @contextmanager
    def _reaching(self, what: str) -> Generator[None]:
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            raise StorageAway(
                f"S3 bucket {self._bucket!r} did not {what} ({error}); check S3_ENDPOINT_URL, the "
                "AWS variables and that the bucket exists"
            ) from error


def picture_key(member_id: UUID | None, job_id: UUID, slot: int, data: bytes) -> str:
    """The key of a finished picture: the same picture always has the same key."""
    digest = hashlib.sha256(data).hexdigest()[:12]
    return f"generated-images/user-{member_id or 'none'}/{job_id}/{slot:03}-{digest}.webp"


def reference_key(file_path: str | None, directory: str | None) -> str | None:
    """Where a reference lies, by the rule of production: the file path, else the directory.

    Names that begin with `upload-` lie under `uploads/` although their rows leave it out. None
    when the row names no file.
    """
    key = (file_path or "").strip() or (directory or "").strip()
    if key.startswith("upload-"):
        return f"uploads/{key}"
    return key or None
