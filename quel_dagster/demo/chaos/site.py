"""Where a chaos run takes place: a stack of real services of its own, with impatient settings.

What happens there is a scene's part.
"""

from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import sqlalchemy as sa
import yaml

from quel_dagster.demo.chaos.book import open_book
from quel_dagster.demo.chaos.crew import prepare
from quel_dagster.demo.chaos.processes import Place
from quel_dagster.demo.chaos.renderers import Renderers
from quel_dagster.demo.samples import move_in
from quel_dagster.demo.stack import Options, Stack
from quel_dagster.environment import Environment, shipped_config

LIMITS = {"fashion": 2, "beauty": 2, "eats": 1, "cinema": 1, "cartoon": 1}
"""Small, so that a limit is always reached."""
IDLE_MILLISECONDS = 1000
DAGSTER_YAML = """\
storage: {{postgres: {{postgres_url: "{url}"}}}}
concurrency: {{pools: {{granularity: run}}}}
telemetry: {{enabled: false}}
"""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How quickly everything happens, in seconds.

    Attributes:
        render: what a stand-in takes for a picture.
        lease: how long a silent attempt counts as alive.
        outage: how long PostgreSQL and the stand-ins are away.
        redis_outage: how long Redis is.
        patience: how long a fault's jobs may take to become final.
        attempts: how many a job has.
    """

    render: float = 0.3
    lease: float = 3.0
    outage: float = 3.0
    redis_outage: float = 20.0
    patience: float = 180.0
    attempts: int = 6


@dataclass(frozen=True, kw_only=True)
class Site:
    """The services, and who can be asked about them."""

    stack: Stack
    place: Place
    pace: Pace
    environment: Environment
    renderers: Renderers
    references: Mapping[str, int]

    @property
    def engine(self) -> sa.Engine:
        """The database."""
        return self.environment.engine

    def stored(self, prefix: str) -> list[str]:
        """The keys in the bucket that begin so."""
        variables = self.place.variables
        session = boto3.Session(
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            region_name=variables["AWS_DEFAULT_REGION"],
        )
        s3 = session.client("s3", endpoint_url=variables["S3_ENDPOINT_URL"])
        bucket = self.environment.settings.storage.bucket
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [str(entry.get("Key")) for page in pages for entry in page.get("Contents", ())]


@contextmanager
def open_site(home: Path, pace: Pace) -> Generator[Site]:
    """Starts the services in a folder that holds nothing yet, and stops them after the block."""
    options = Options(renderers=2, seconds=pace.render, with_dagster=False)
    with ExitStack() as exits:
        stack = exits.enter_context(Stack(home, options))
        exits.enter_context(stack.signals_as_events())
        config = write_settings(home / "config.yaml", pace)
        variables = {
            **stack.environ,
            "QUEL_CONFIG": str(config),
            "QUEL_DATABASE_URL": impatient(stack.environ["QUEL_DATABASE_URL"]),
        }
        environment = Environment(variables)
        exits.callback(environment.close)
        open_book(environment.engine, LIMITS)
        place = Place(home=home, variables=variables)
        place.dagster_home.mkdir()
        url = stack.environ["QUEL_DAGSTER_DATABASE_URL"]
        (place.dagster_home / "dagster.yaml").write_text(DAGSTER_YAML.format(url=url))
        prepare(place)
        yield Site(
            stack=stack,
            place=place,
            pace=pace,
            environment=environment,
            renderers=Renderers(stack.comfyui),
            references=move_in(environment.engine, environment.storage).references,
        )


def impatient(url: str) -> str:
    """The same database, which takes its locks from a frozen process well within a lease."""
    options = f"-c idle_in_transaction_session_timeout={IDLE_MILLISECONDS}"
    changed = sa.make_url(url).update_query_dict({"options": options}, append=True)
    return changed.render_as_string(hide_password=False)


def write_settings(file: Path, pace: Pace) -> Path:
    """Writes the shipped settings with short waits and small limits; returns the file."""
    document = yaml.safe_load(shipped_config().read_text(encoding="utf-8"))
    worker = document["worker"]
    worker["redis"]["timeout"] = "200ms"
    worker["pending"]["grace"] = "1s"
    worker["attempts"] |= {"max": pace.attempts, "backoff": "100ms", "lease": f"{pace.lease:g}s"}
    worker["modules"] = {path: {"max_workers": limit} for path, limit in LIMITS.items()}
    document["comfyui"]["deadline"] = "60s"
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return file
