"""The Celery app that carries runs to workers: its queues, and how one run is sent. No Dagster.

A message is a run's id and nothing else. It may be lost, doubled or late without harm.
"""

import ssl
from collections.abc import Mapping
from typing import cast

from celery import Celery
from kombu.exceptions import OperationalError

from quel_dagster.model.errors import Unavailable
from quel_dagster.pipeline.tags import PATH_TAG

TASK = "quel.execute_run"
GENERAL = "general"
"""The queue of every run that is not a path's: sweeps, maintenance, statistics."""

SEND_ONCE = {"max_retries": 0}
"""Who sends does not wait for a broker that is away: a run that nobody took is sent again."""


def queue_of(tags: Mapping[str, str]) -> str:
    """The queue of a run: its path, so that a path can have machines of its own."""
    return tags.get(PATH_TAG, GENERAL)


def build_app(url: str) -> Celery:
    """A Celery app on a broker. It keeps no results: what became of a run is Dagster's to tell.

    Messages are taken from the broker when a process is free, and acknowledged then: a worker
    that dies takes with it what it executes and nothing else, and a long run is never mistaken
    for a lost one.
    """
    app = Celery("quel", broker=url, set_as_current=False)
    app.conf.update(
        task_default_queue=GENERAL,
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        worker_send_task_events=False,
        worker_hijack_root_logger=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "priority_steps": [0],
            "socket_keepalive": True,
            "socket_connect_timeout": 5,
            "health_check_interval": 25,
        },
    )
    if url.startswith("rediss://"):
        app.conf.broker_use_ssl = {"ssl_cert_reqs": ssl.CERT_REQUIRED}
    return app


class Broker:
    """Sends runs."""

    def __init__(self, url: str) -> None:
        self._app = build_app(url)

    def send(self, run_id: str, queue: str) -> None:
        """Puts a run into a queue.

        Raises:
            Unavailable: the broker cannot be reached.
        """
        try:
            self._app.send_task(
                TASK, args=(run_id,), queue=queue, retry=False, retry_policy=SEND_ONCE
            )
        except OperationalError as error:
            where = cast("str", self._app.connection().as_uri())  # without its password
            raise Unavailable(
                f"Celery's broker {where}: {error}; check that it runs and that QUEL_BROKER_URL, "
                "or else QUEL_REDIS_URL, names it"
            ) from error

    def close(self) -> None:
        """Closes the connections."""
        self._app.close()
