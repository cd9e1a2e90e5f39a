"""The customer's reference pictures: fetched once per job, checked, and put together as sheets.

Which references an order uses, and in which role, its category has decided.
"""

from collections.abc import Iterable, Mapping, Sequence

from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.job import Sheet, Spec
from quel_dagster.pipeline.pictures import check, sheet
from quel_dagster.services.storage import Storage
from quel_dagster.services.store import JobStore

FIELD = "individualImageAttachIds"


def fetch_sheets(store: JobStore, storage: Storage, specs: Iterable[Spec]) -> dict[Sheet, bytes]:
    """The pictures to send for these specs, each made once however many specs share it.

    Raises:
        InvalidJob: a reference has no row, no file, or is no picture.
        StorageAway, Unavailable: S3 or PostgreSQL could not be reached.
    """
    sheets = list(dict.fromkeys(found for spec in specs for found in spec.scene.sheets))
    numbers = list(dict.fromkeys(number for found in sheets for number in found.attach_ids))
    references = fetch(store, storage, numbers)
    return {found: sheet([references[number] for number in found.attach_ids]) for found in sheets}


def fetch(store: JobStore, storage: Storage, numbers: Sequence[int]) -> Mapping[int, bytes]:
    """The files behind `quel_attach` ids, each a picture.

    Raises:
        InvalidJob: names the id that has no row, no file, or is no picture.
    """
    if not numbers:
        return {}
    keys = store.reference_keys(numbers)
    references: dict[int, bytes] = {}
    for number in numbers:
        key = keys.get(number)
        if key is None:
            raise InvalidJob(
                FIELD, f"reference {number} has no file in quel_attach; upload it again"
            )
        data = storage.fetch(key)
        if data is None:
            raise InvalidJob(
                FIELD, f"reference {number} is not in storage at {key}; upload it again"
            )
        check(data, attach_id=number)
        references[number] = data
    return references
