"""The figures of `/metrics`, read when they are asked for.

Jobs are counted in PostgreSQL, because what happens to them happens in processes that live for one
job; Redis tells its lists, and each ComfyUI server its queue. A scrape costs the same whatever the
backlog and the history. What the figures are called stands in `figures`.
"""

from collections.abc import Collection, Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from quel_dagster.api import figures
from quel_dagster.environment import Environment
from quel_dagster.model.errors import Unavailable


class Meter(Collector):
    """Reads all figures. What cannot be reached reads as down, and its figures are left out.

    Args:
        place: the clients.
        served: the paths that have a category.
    """

    def __init__(self, place: Environment, served: Collection[str]) -> None:
        self._place = place
        self._served = served

    def collect(self) -> Iterable[Metric]:
        """Every family."""
        yield from self._of_postgres()
        yield from self._of_redis()
        yield from self._of_comfyui()

    def _of_postgres(self) -> Iterator[Metric]:
        settings, store = self._place.settings.worker, self._place.store
        try:
            depths, living = store.depths.waiting(), store.depths.living()
            limits, counts = store.limits.read(), store.counters.read()
            untold = self._place.outbox.untold()
        except Unavailable:
            yield GaugeMetricFamily("quel_postgres_up", POSTGRES_UP, value=0)
            return
        yield GaugeMetricFamily("quel_postgres_up", POSTGRES_UP, value=1)
        yield from figures.waiting(depths, self._served, settings)
        yield from figures.running(living, self._served, limits, settings)
        yield from figures.counted(counts)
        yield from figures.timed(counts)
        yield GaugeMetricFamily("quel_alerts_untold", ALERTS_UNTOLD, value=untold.count)
        oldest = untold.oldest.total_seconds()
        yield GaugeMetricFamily("quel_oldest_untold_alert_seconds", OLDEST_ALERT, value=oldest)

    def _of_redis(self) -> Iterator[Metric]:
        try:
            lengths = self._place.queue.lengths()
        except Unavailable:
            yield GaugeMetricFamily("quel_redis_up", REDIS_UP, value=0)
            return
        yield GaugeMetricFamily("quel_redis_up", REDIS_UP, value=1)
        yield figures.gauge("quel_rings_waiting", RINGS_WAITING, "list", lengths)

    def _of_comfyui(self) -> Iterator[Metric]:
        if not self._place.settings.comfyui.backends:
            return
        health = {each.url: each for each in self._place.backends.health()}
        up = {url: each.prompts is not None for url, each in health.items()}
        prompts = {url: each.prompts for url, each in health.items() if each.prompts is not None}
        places = {url: each.places for url, each in health.items()}
        quarantined = {url: each.is_quarantined for url, each in health.items()}
        yield figures.gauge("quel_backend_up", BACKEND_UP, "backend", up)
        yield figures.gauge("quel_backend_prompts", BACKEND_PROMPTS, "backend", prompts)
        yield figures.gauge("quel_backend_places", BACKEND_PLACES, "backend", places)
        yield figures.gauge("quel_backend_quarantined", QUARANTINED, "backend", quarantined)


POSTGRES_UP = "Whether PostgreSQL answers."
ALERTS_UNTOLD = "Alerts that the webhook has not taken yet, up to 10 000."
OLDEST_ALERT = "Age of the oldest of them: more than a minute where they do not get through."
REDIS_UP = "Whether Redis answers."
RINGS_WAITING = "Rings that no tick has heard yet."
BACKEND_UP = "Whether a ComfyUI server answers."
BACKEND_PROMPTS = "Prompts it has, running and waiting, whoever sent them."
BACKEND_PLACES = "Prompts of ours that it has or is about to get, two at most."
QUARANTINED = "Whether it gets no work because it took prompts and did nothing with them."
