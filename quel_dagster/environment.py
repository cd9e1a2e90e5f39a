"""From the environment and `config.yaml` to settings and plain clients; nothing else reads either.

No Dagster here: the command line, the demo and Dagster's resources use the same clients.
"""

import os
import re
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path

import boto3
import sqlalchemy as sa
import yaml

from quel_dagster.model.errors import ConfigurationError
from quel_dagster.model.settings import Settings, read_settings
from quel_dagster.services.comfyui.backends import Backends
from quel_dagster.services.database import connect
from quel_dagster.services.queue import JobQueue
from quel_dagster.services.storage import Storage
from quel_dagster.services.store import JobStore

VARIABLE = re.compile(r"\$\{(\w+)\}")


class Environment:
    """The clients that a set of environment variables describes, each built once, when first used.

    Args:
        variables: usually the process's own environment.

    Raises:
        ConfigurationError: from any property whose variable or setting is missing or wrong.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.variables = variables

    @cached_property
    def settings(self) -> Settings:
        """The file named by `QUEL_CONFIG`, else the `config.yaml` that ships with the code."""
        path = Path(self.variables.get("QUEL_CONFIG") or shipped_config())
        try:
            text = path.read_text(encoding="utf-8")
            document: object = yaml.safe_load(text)
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ConfigurationError(f"{path}: {error}") from error
        if not isinstance(document, dict):
            raise ConfigurationError(f"{path}: expected a mapping of settings")
        return read_settings({key: self._filled_in(document[key]) for key in document}, str(path))

    @cached_property
    def engine(self) -> sa.Engine:
        """The pool of connections to PostgreSQL (`QUEL_DATABASE_URL`)."""
        return connect(self._required("QUEL_DATABASE_URL"))

    @cached_property
    def store(self) -> JobStore:
        """The job store in PostgreSQL."""
        return JobStore(
            self.engine,
            lease=self.settings.worker.attempts.lease,
            price=self.settings.credits.price_per_image,
        )

    @cached_property
    def queue(self) -> JobQueue:
        """The doorbell in Redis (`QUEL_REDIS_URL`)."""
        return JobQueue(
            self._required("QUEL_REDIS_URL"), names=self.settings.worker.redis.queue_names
        )

    @cached_property
    def storage(self) -> Storage:
        """The bucket in S3 (the AWS variables; `S3_ENDPOINT_URL` where it is not Amazon's)."""
        session = boto3.Session(
            aws_access_key_id=self.variables.get("AWS_ACCESS_KEY_ID"),
            aws_secret_access_key=self.variables.get("AWS_SECRET_ACCESS_KEY"),
            aws_session_token=self.variables.get("AWS_SESSION_TOKEN"),
            region_name=self.variables.get("AWS_DEFAULT_REGION"),
        )
        endpoint = self.variables.get("S3_ENDPOINT_URL")
        return Storage(session, self.settings.storage.bucket, endpoint=endpoint or None)

    @cached_property
    def backends(self) -> Backends:
        """The ComfyUI servers of `comfyui.backends`, `COMFYUI_URLS` as shipped."""
        urls = self.settings.comfyui.backends
        if not urls:
            raise ConfigurationError(
                "comfyui.backends: no address; set COMFYUI_URLS, for example http://127.0.0.1:8188"
            )
        return Backends(urls, deadline=self.settings.comfyui.deadline.total_seconds())

    def close(self) -> None:
        """Closes the connections of every client that was built."""
        built = vars(self)
        for name in ("backends", "storage", "queue"):
            if name in built:
                built[name].close()
        if "engine" in built:
            self.engine.dispose()

    def _filled_in(self, value: object) -> object:
        """Replaces variables in texts only: whatever a value holds, it adds no key and no entry."""
        match value:
            case str():
                return VARIABLE.sub(lambda found: self.variables.get(found[1], ""), value)
            case list():
                return [self._filled_in(entry) for entry in value]
            case dict():
                return {key: self._filled_in(entry) for key, entry in value.items()}
            case _:
                return value

    def _required(self, name: str) -> str:
        value = self.variables.get(name)
        if not value:
            raise ConfigurationError(f"{name} is not set; `quel up` writes it to .quel/env")
        return value


@cache
def here() -> Environment:
    """This process's own environment. Its clients are shared by every run the process executes."""
    return Environment(os.environ)


def shipped_config() -> Path:
    """The `config.yaml` beside the package in a checkout, inside it in an installed copy."""
    package = Path(__file__).parent
    beside = package.parent / "config.yaml"
    return beside if beside.is_file() else package / "config.yaml"
