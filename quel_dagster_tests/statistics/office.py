"""The assets and checks on a database, with a Dagster instance that remembers what they said."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import dagster as dg
import sqlalchemy as sa

from quel_dagster.model.checking import CheckSettings
from quel_dagster.model.settings import CreditSettings, Settings, WorkerSettings
from quel_dagster.services.outbox import Outbox
from quel_dagster.statistics.checks import build_checks
from quel_dagster.statistics.hourly import asset_key, build_hourly
from quel_dagster.statistics.overview import OVERVIEW, build_overview
from quel_dagster_tests.statistics.history import PATHS


@dataclass(frozen=True)
class Office:
    """Where an operator of a few paths sits."""

    engine: sa.Engine
    instance: dg.DagsterInstance
    checks: CheckSettings = field(default_factory=CheckSettings)
    worker: WorkerSettings = field(default_factory=WorkerSettings)

    @cached_property
    def definitions(self) -> dg.Definitions:
        price = CreditSettings(price_per_image=20)
        settings = Settings(credits=price, checks=self.checks, worker=self.worker)
        resources: Mapping[str, object] = {
            "database": self.engine,
            "settings": settings,
            "outbox": Outbox(self.engine),
            "io_manager": dg.mem_io_manager,
        }
        return dg.Definitions.merge(
            dg.Definitions(resources=resources),
            *(build(PATHS) for build in (build_hourly, build_overview, build_checks)),
        )

    def run(
        self, job: str, partition: str | None = None, tags: Mapping[str, str] | None = None
    ) -> dg.ExecuteInProcessResult:
        """One run of a job, which is to succeed."""
        return self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance, partition_key=partition, tags=dict(tags or {})
        )

    def metadata_of(self, path: str, partition: str) -> Mapping[str, dg.MetadataValue]:
        """What Dagster was last told of a path's hour."""
        records = self.instance.fetch_materializations(
            dg.AssetRecordsFilter(asset_key=asset_key(path), asset_partitions=[partition]), limit=1
        ).records
        told = records[0].asset_materialization
        assert told is not None
        return told.metadata

    def overview(self) -> Mapping[str, dg.MetadataValue]:
        """The newest page and its numbers."""
        event = self.instance.get_latest_materialization_event(OVERVIEW)
        assert event is not None
        assert event.asset_materialization is not None
        return event.asset_materialization.metadata

    def check(self, job: str, name: str) -> dg.AssetCheckEvaluation:
        """Runs the checks of a job; what one of them says."""
        evaluations = self.run(job).get_asset_check_evaluations()
        [found] = [each for each in evaluations if each.check_name == name]
        return found
