"""From the environment and `config.yaml` to settings and plain clients; nothing else reads either.

No Dagster here: the command line, the demo and Dagster's resources use the same clients.
"""

import os
import re
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import boto3
import sqlalchemy as sa
import yaml

from quel_dagster.model.errors import ConfigurationError
from quel_dagster.model.settings import Settings, read_settings
from quel_dagster.services.backend_book import BackendBook
from quel_dagster.services.comfyui.backends import Backends
from quel_dagster.services.database import connect
from quel_dagster.services.doorbell import Doorbell
from quel_dagster.services.ordering import OrderBook
from quel_dagster.services.outbox import Outbox
from quel_dagster.services.queue import JobQueue
from quel_dagster.services.storage import Storage
from quel_dagster.services.store import JobStore
from quel_dagster.services.webhook import Webhook

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
    def orders(self) -> OrderBook:
        """Where new orders are placed, in PostgreSQL."""
        return OrderBook(self.engine, price=self.settings.credits.price_per_image)

    @property
    def api_token(self) -> str | None:
        """What callers of `quel api` must show (`QUEL_API_TOKEN`); None where nothing is set."""
        return self.variables.get("QUEL_API_TOKEN") or None

    @cached_property
    def queue(self) -> JobQueue:
        """The doorbell in Redis (`QUEL_REDIS_URL`)."""
        return JobQueue(
            self._required("QUEL_REDIS_URL"), names=self.settings.worker.redis.queue_names
        )

    @cached_property
    def doorbell(self) -> Doorbell:
        """The same for a process that stands at the door."""
        return Doorbell(
            self._required("QUEL_REDIS_URL"), names=self.settings.worker.redis.queue_names
        )

    @cached_property
    def outbox(self) -> Outbox:
        """The alerts that are still to be told, in PostgreSQL."""
        return Outbox(self.engine)

    @cached_property
    def webhook(self) -> Webhook:
        """Where alerts go (`QUEL_ALERT_WEBHOOK`), signed with `QUEL_ALERT_SECRET`."""
        return Webhook(
            self.variables.get("QUEL_ALERT_WEBHOOK") or None,
            self.variables.get("QUEL_ALERT_SECRET") or None,
            self.settings.alerts.form,
        )

    def check_dagster_home(self) -> None:
        """Makes sure that Dagster will use our storage and launcher (`DAGSTER_HOME`).

        In a folder without our file it would keep runs in files of its own, and find none of ours.

        Raises:
            ConfigurationError: it is no folder that holds a `dagster.yaml`.
        """
        home = Path(self._required("DAGSTER_HOME"))
        if not (home.is_absolute() and (home / "dagster.yaml").is_file()):
            raise ConfigurationError(
                f"DAGSTER_HOME is {home}, which is no folder with a dagster.yaml; give the whole "
                "path of one that has ours, which ships with the code"
            )

    @property
    def dagster_url(self) -> str:
        """Where Dagster's own tables are (`QUEL_DAGSTER_DATABASE_URL`)."""
        return self._required("QUEL_DAGSTER_DATABASE_URL")

    @cached_property
    def dagster_engine(self) -> sa.Engine:
        """Connections to them."""
        return connect(self.dagster_url, pool_size=1)

    @cached_property
    def broker_url(self) -> str:
        """Celery's broker (`QUEL_BROKER_URL`), else the doorbell's Redis, in its next database.

        There, emptying the doorbell's database loses no run that waits for a worker.
        """
        given = self.variables.get("QUEL_BROKER_URL")
        return given or next_redis_database(self._required("QUEL_REDIS_URL"))

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
        deadline = self.settings.comfyui.deadline.total_seconds()
        return Backends(urls, BackendBook(self.engine), deadline=deadline)

    def build(self) -> None:
        """Builds what a run needs now; nothing connects before it is used."""
        for name in ("store", "queue", "storage", "backends", "dagster_engine"):
            getattr(self, name)

    def close(self) -> None:
        """Closes the connections of every client that was built."""
        built = vars(self)
        for name in ("backends", "storage", "queue", "doorbell"):
            if name in built:
                built[name].close()
        for name in ("engine", "dagster_engine"):
            if name in built:
                built[name].dispose()

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
            raise ConfigurationError(
                f"{name} is not set; `quel up` writes it to .quel/env: set -a; . .quel/env; set +a"
            )
        return value


@cache
def here() -> Environment:
    """This process's own environment. Its clients are shared by every run the process executes."""
    return Environment(os.environ)


def next_redis_database(url: str) -> str:
    """The same Redis, one database on: `redis://host:6379/0` becomes `redis://host:6379/1`.

    Raises:
        ConfigurationError: Celery has no such address; a broker must be named.
    """
    parts = urlsplit(url)
    number = parts.path.strip("/") or "0"
    if parts.scheme not in {"redis", "rediss"} or not number.isdigit():
        raise ConfigurationError(
            "QUEL_BROKER_URL is not set, and QUEL_REDIS_URL is not redis://host:port/number; "
            "name a broker for Celery, such as redis://host:6379/1"
        )
    return urlunsplit(parts._replace(path=f"/{int(number) + 1}"))


def shipped_config() -> Path:
    """The `config.yaml` beside the package in a checkout, inside it in an installed copy."""
    package = Path(__file__).parent
    beside = package.parent / "config.yaml"
    return beside if beside.is_file() else package / "config.yaml"
