"""Dagster's door to the services: each resource hands on one plain client of this process.

The environment is read when a run or a tick begins, so that definitions load without any.
"""

import dagster as dg
import sqlalchemy as sa

from quel_dagster.environment import here
from quel_dagster.model.settings import Settings
from quel_dagster.pipeline.studio import Studio
from quel_dagster.services.comfyui.backends import Backends
from quel_dagster.services.outbox import Outbox
from quel_dagster.services.queue import JobQueue
from quel_dagster.services.store import JobStore
from quel_dagster.services.webhook import Webhook


class SettingsResource(dg.ConfigurableResource[Settings]):
    """What operators may turn: `config.yaml`, or the file named by QUEL_CONFIG."""

    def create_resource(self, context: dg.InitResourceContext) -> Settings:
        """The checked settings."""
        return here().settings


class StoreResource(dg.ConfigurableResource[JobStore]):
    """The jobs in PostgreSQL (QUEL_DATABASE_URL): every change of a job is one of its verbs."""

    def create_resource(self, context: dg.InitResourceContext) -> JobStore:
        """The process's store and its connection pool."""
        return here().store


class DatabaseResource(dg.ConfigurableResource[sa.Engine]):
    """PostgreSQL itself (QUEL_DATABASE_URL), for work on tables as a whole."""

    def create_resource(self, context: dg.InitResourceContext) -> sa.Engine:
        """The process's connection pool."""
        return here().engine


class QueueResource(dg.ConfigurableResource[JobQueue]):
    """The doorbell in Redis (QUEL_REDIS_URL) on which the front end rings."""

    def create_resource(self, context: dg.InitResourceContext) -> JobQueue:
        """The process's connection to the lists."""
        return here().queue


class BackendsResource(dg.ConfigurableResource[Backends]):
    """The ComfyUI servers (COMFYUI_URLS), and what is known of them in PostgreSQL."""

    def create_resource(self, context: dg.InitResourceContext) -> Backends:
        """The process's clients."""
        return here().backends


class OutboxResource(dg.ConfigurableResource[Outbox]):
    """The alerts that operators are still to be told, in PostgreSQL (QUEL_DATABASE_URL)."""

    def create_resource(self, context: dg.InitResourceContext) -> Outbox:
        """The process's outbox."""
        return here().outbox


class WebhookResource(dg.ConfigurableResource[Webhook]):
    """Where alerts go (QUEL_ALERT_WEBHOOK); without one they are told in the sensor's log."""

    def create_resource(self, context: dg.InitResourceContext) -> Webhook:
        """The receiver."""
        return here().webhook


class StudioResource(dg.ConfigurableResource[Studio]):
    """Where pictures are made: ComfyUI (COMFYUI_URLS) and S3 (S3_ENDPOINT_URL) beside the store."""

    def create_resource(self, context: dg.InitResourceContext) -> Studio:
        """The process's clients."""
        place = here()
        return Studio(
            store=place.store,
            storage=place.storage,
            backends=place.backends,
            queue=place.queue,
            settings=place.settings,
        )


RESOURCES: dict[str, object] = {
    "settings": SettingsResource(),
    "store": StoreResource(),
    "database": DatabaseResource(),
    "queue": QueueResource(),
    "backends": BackendsResource(),
    "studio": StudioResource(),
    "outbox": OutboxResource(),
    "webhook": WebhookResource(),
    # All steps of a run share a process; nothing of a job is written to disk between them.
    "io_manager": dg.mem_io_manager,
}
