"""Rows of pictures to be retouched, with any field a test thinks of."""

import base64
from collections.abc import Mapping
from hashlib import sha256

import pytest

from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.job import Job
from quel_dagster.model.parsing import parse
from quel_dagster.model.retouch import Embedded, Retouch
from quel_dagster_tests.model.rows import LIMITS, row

Given = Mapping[str, object]

BASE = "https://files.example.test/storage/v1/object/public/attachments"
PICTURE = b"\xff\xd8 some strokes"
BARE = base64.b64encode(PICTURE).decode()
MASK = Embedded(field="maskDataUrl", sha256=sha256(PICTURE).hexdigest())
PLAIN: Given = {
    "maskDataUrl": f"data:image/png;base64,{BARE}",
    "originalAttachId": 80001,
    "prompt": "a brass button",
}


def read(given: Given, total_images: int = 1) -> Job:
    """A plain order with some fields given otherwise."""
    asked = row({"quantity": 1, **PLAIN, **given}, total_images, "simple_general")
    return parse(asked, LIMITS, [f"{BASE}/"])


def retouch(given: Given) -> Retouch:
    found = read(given).orders[0].retouch
    assert found is not None
    return found


def refusal(given: Given) -> str:
    with pytest.raises(InvalidJob) as refused:
        read(given)
    return str(refused.value)
