"""The embedded S3: a child process that speaks the S3 API on a port of 127.0.0.1.

What it does with the requests, and how it keeps them, stands in `s3_server`.
"""

import sys
from pathlib import Path

from quel_dagster.demo.parts import Part, answers_http

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "embedded",
    "AWS_SECRET_ACCESS_KEY": "embedded",
    "AWS_DEFAULT_REGION": "us-east-1",
}
"""moto accepts any; boto3 insists on some."""


def s3_url(port: int) -> str:
    """Where the server on `port` is found."""
    return f"http://127.0.0.1:{port}"


def s3_part(port: int, journal: Path | None = None) -> Part:
    """An S3 server that keeps its objects in the file `journal`, or nowhere when that is None."""
    kept = ["--journal", str(journal)] if journal else []
    return Part(
        name="s3",
        command=[sys.executable, "-m", "quel_dagster.demo.s3_server", "--port", str(port), *kept],
        ready=answers_http(s3_url(port)),
    )
