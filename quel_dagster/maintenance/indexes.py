"""The job `ensure_indexes`. What is built, and how, is known to `services.indexes`."""

import dagster as dg
import sqlalchemy as sa
from pydantic import Field

from quel_dagster.maintenance.spans import Span
from quel_dagster.model.errors import QuelError
from quel_dagster.model.section import duration
from quel_dagster.services import indexes


class IndexesConfig(dg.Config):
    """How patiently indexes are built."""

    lock_timeout: Span = Field(
        default="10m",
        description="Longest wait for a transaction that began before the build and is still "
        "open. Nobody else waits meanwhile; only vacuum and changes of the table's definition do.",
    )


@dg.op(description="Builds the indexes of sql/indexes that are missing or unfinished.")
def build_indexes(
    context: dg.OpExecutionContext, config: IndexesConfig, database: dg.ResourceParam[sa.Engine]
) -> None:
    """One look at every index.

    Raises:
        dagster.Failure: an index could not be built now.
    """
    patience = duration(config.lock_timeout)
    try:
        deeds = indexes.ensure_all(database, context.log.info, lock_timeout=patience)
    except QuelError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
    for name, deed in deeds.items():
        context.log.info(f"{name} {deed}")
    context.add_output_metadata({name: deed.value for name, deed in deeds.items()})


@dg.job(
    description="Builds the indexes of sql/indexes beside live traffic: those that are missing, "
    "and those that an interrupted build left unusable. Safe to launch at any time.",
    executor_def=dg.in_process_executor,
)
def ensure_indexes() -> None:
    """The job of one look at the indexes."""
    build_indexes()
