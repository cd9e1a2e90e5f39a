"""The section `api` of the configuration: the front door that `quel api` opens.

The token that callers must show is not here: it comes from the environment.
"""

from datetime import timedelta

from pydantic import Field

from quel_dagster.model.section import Addresses, Duration, Section


class ApiSettings(Section):
    """What `quel api` serves, and to whom."""

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Where it listens. Beyond this machine only with QUEL_API_TOKEN.",
    )
    port: int = Field(default=8000, ge=1, le=65535, description="On which port.")
    threads: int = Field(
        default=8, ge=1, le=12, description="Requests that use PostgreSQL or Redis at once."
    )
    body_mb: int = Field(default=32, ge=1, le=256, description="Megabytes of the largest order.")
    cors_origins: Addresses = Field(
        default=(), description="Origins of web pages whose scripts may call it."
    )
    stop_within: Duration = Field(
        default=timedelta(seconds=10),
        description="How long requests in work may take to end when it is told to stop.",
    )
