"""The pictures of a retouch: part of the row, or named by id or by an address of our storage."""

import base64

import pytest

from quel_dagster.model.errors import InvalidJob
from quel_dagster.model.parsing import parse
from quel_dagster.model.retouch import Attached, Stored
from quel_dagster.model.retouching import LARGEST_EMBEDDED, embedded_pictures
from quel_dagster_tests.model.masked import BARE, BASE, MASK, PICTURE, PLAIN, refusal, retouch
from quel_dagster_tests.model.rows import LIMITS, row


@pytest.mark.parametrize(
    "text",
    [
        BARE,
        BARE.rstrip("="),
        f"{BARE[:4]}\n {BARE[4:]}",
        f"data:image/png;base64,{BARE}",
        f"DATA:image/svg+xml;charset=x;Base64,{BARE}",
        f"data:;base64,{BARE}",
    ],
)
def test_a_mask_is_a_data_url_or_bare_base64(text: str) -> None:
    assert retouch({"maskDataUrl": text}).mask == MASK
    assert embedded_pictures({**PLAIN, "maskDataUrl": text}) == {"maskDataUrl": PICTURE}


@pytest.mark.parametrize(
    "text", ["!", "data:image/png,abc", "abcde", "data:image/png;base64,", "="]
)
def test_what_is_neither_is_refused(text: str) -> None:
    expected = "maskDataUrl: expected a picture as a data URL or base64, got "
    assert refusal({"maskDataUrl": text}).startswith(expected)


def test_a_picture_in_the_row_has_a_largest_size() -> None:
    whole = base64.b64encode(bytes(LARGEST_EMBEDDED)).decode()
    assert retouch({"maskDataUrl": whole}).mask.field == "maskDataUrl"
    assert refusal({"maskDataUrl": f"{whole}AAAA"}) == "maskDataUrl: is larger than 20 MiB"


@pytest.mark.parametrize("number", [None, 0, "", "0"])
def test_an_original_without_an_id_of_its_own_is_named_by_its_address(number: object) -> None:
    url = f"{BASE}/uploads/a%20b.webp?t=1#top"
    original = retouch({"originalAttachId": number, "originalImageUrl": url}).original
    assert original == Stored(field="originalImageUrl", key="uploads/a b.webp")


@pytest.mark.parametrize("number", ["80001", 80001.0, " 80001 "])
def test_the_id_of_the_original_may_be_a_text(number: object) -> None:
    found = retouch({"originalAttachId": number}).original
    assert found == Attached(field="originalAttachId", attach_id=80001)


def test_the_address_of_our_storage_is_known_however_its_server_is_spelled() -> None:
    url = f"{BASE.replace('https://files', 'HTTPS://Files')}/uploads/a.webp"
    original = retouch({"originalAttachId": None, "originalImageUrl": url}).original
    assert original == Stored(field="originalImageUrl", key="uploads/a.webp")


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/a.png",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        f"{BASE.replace('https', 'http')}/uploads/a.webp",
        f"{BASE}.evil.example/a.png",
        BASE.replace("files.example.test", "files.example.test@evil.example") + "/a.png",
        BASE.replace("files.example.test", "files.example.test:8443") + "/a.png",
        f"{BASE}/",
        BASE,
        f"{BASE}-other/a.png",
        f"{BASE}/../secrets/a.png",
        f"{BASE}/%2e%2e/secrets/a.png",
        f"{BASE}/uploads//a.png",
        f"{BASE}/a%00.png",
        f"{BASE}/{'a' * 1025}",
        "https://[broken/a.png",
    ],
)
@pytest.mark.parametrize("field", ["originalImageUrl", "referenceImageDataUrl"])
def test_w72_an_address_outside_our_storage_is_refused_and_never_fetched(
    url: str, field: str
) -> None:
    said = refusal({"originalAttachId": None, "originalImageUrl": f"{BASE}/a.png", field: url})
    assert said.startswith(f"{field}: ")
    assert said.endswith("is not an address in our storage; upload the picture and order again")


def test_w72_no_address_is_ours_where_none_is_configured() -> None:
    asked = {**PLAIN, "originalAttachId": None, "originalImageUrl": f"{BASE}/a.png"}
    with pytest.raises(InvalidJob, match="is not an address in our storage"):
        parse(row(asked), LIMITS)


def test_the_pictures_in_a_row_are_found_by_the_fields_that_name_them() -> None:
    given = {
        **PLAIN,
        "originalImageUrl": f"{BASE}/a.png",
        "referenceImageDataUrl": BARE,
        "layers": [{"color": "red"}, {"color": "blue", "referenceImage": BARE}],
    }
    assert dict.fromkeys(("maskDataUrl", "referenceImageDataUrl", "layers[1].referenceImage")) == (
        dict.fromkeys(embedded_pictures(given))
    )
