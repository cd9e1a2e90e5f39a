"""Every decision about a waiting row: start, refuse or leave."""

from dataclasses import replace
from uuid import UUID

import pytest

from quel_dagster.intake.routing import Leave, Refuse, Start, route
from quel_dagster.model.job import WaitingRow
from quel_dagster.model.settings import WorkerSettings

SERVED = ("fashion", "beauty", "eats")
ROW = WaitingRow(
    job_id=UUID(int=1),
    status="pending",
    path="beauty",
    job_type="single_batch",
    input_type="object",
    attempts=0,
    rung=False,
    needs_ring=False,
    retouch=False,
)
USE_DEFAULT = WorkerSettings()
REJECT = WorkerSettings.model_validate({"fallback": {"unknown_path_behavior": "reject"}})
BEAUTY_CLOSED = WorkerSettings.model_validate({"modules": {"beauty": {"enabled": False}}})


@pytest.mark.parametrize("path", SERVED)
@pytest.mark.parametrize("rung", [True, False])
def test_a_waiting_row_starts_on_its_path(path: str, rung: bool) -> None:
    assert route(replace(ROW, path=path, rung=rung), SERVED, REJECT) == Start(path=path)


@pytest.mark.parametrize(
    "status", ["processing", "completed", "failed", "cancelled", "user_cancelled", None]
)
def test_a_row_that_no_longer_waits_is_left_alone(status: str | None) -> None:
    row = replace(ROW, status=status, path="unknown", input_type="string", attempts=9)
    expected = f"already {status or 'without a status'}"
    assert route(row, SERVED, REJECT) == Leave(reason=expected)


@pytest.mark.parametrize("path", ["Beauty", " beauty", "BEAUTY\n", "\tbeauty "])
@pytest.mark.parametrize("settings", [USE_DEFAULT, REJECT])
def test_case_and_blanks_of_a_path_are_forgiven(path: str, settings: WorkerSettings) -> None:
    assert route(replace(ROW, path=path), SERVED, settings) == Start(path="beauty")


@pytest.mark.parametrize(
    ("path", "requested"),
    [
        ("shoes", "shoes"),
        (" Shoes ", "shoes"),
        ("beautyy", "beautyy"),
        ("be auty", "be auty"),
        (None, "none"),
        ("", "none"),
        ("  ", "none"),
    ],
)
def test_the_fallback_serves_a_path_that_nobody_knows(path: str | None, requested: str) -> None:
    decision = route(replace(ROW, path=path), SERVED, USE_DEFAULT)
    assert decision == Start(path="fashion", requested=requested)


def test_the_fallback_is_what_the_configuration_says() -> None:
    settings = WorkerSettings.model_validate({"fallback": {"default_path": "eats"}})
    decision = route(replace(ROW, path="shoes"), SERVED, settings)
    assert decision == Start(path="eats", requested="shoes")


def test_an_unknown_path_is_refused_where_the_configuration_says_so() -> None:
    assert route(replace(ROW, path="Shoes"), SERVED, REJECT) == Refuse(
        reason="quel_production_path 'Shoes' is not served; use one of beauty, eats, fashion"
    )


@pytest.mark.parametrize("path", [None, "", " "])
def test_a_row_that_names_no_path_falls_back_even_then(path: str | None) -> None:
    decision = route(replace(ROW, path=path), SERVED, REJECT)
    assert decision == Start(path="fashion", requested="none")


@pytest.mark.parametrize("path", ["multiview", "landing", "Multiview", " landing "])
@pytest.mark.parametrize("settings", [USE_DEFAULT, REJECT])
def test_a_path_that_is_served_elsewhere_is_left_alone(path: str, settings: WorkerSettings) -> None:
    row = replace(ROW, path=path, input_type="string", attempts=9)
    expected = f"path {path.strip().lower()} is served elsewhere"
    assert route(row, SERVED, settings) == Leave(reason=expected)


def test_an_ignored_path_is_left_alone_even_where_a_category_serves_it() -> None:
    settings = WorkerSettings(ignored_paths=("beauty",))
    assert route(ROW, SERVED, settings) == Leave(reason="path beauty is served elsewhere")


@pytest.mark.parametrize(("input_type", "attempts"), [("object", 0), ("string", 0), ("object", 9)])
def test_a_path_that_is_switched_off_is_left_alone(input_type: str, attempts: int) -> None:
    row = replace(ROW, input_type=input_type, attempts=attempts)
    assert route(row, SERVED, BEAUTY_CLOSED) == Leave(reason="path beauty is not enabled")
    assert route(replace(ROW, path="eats"), SERVED, BEAUTY_CLOSED) == Start(path="eats")


@pytest.mark.parametrize(
    ("input_type", "found"),
    [
        ("empty", "is empty"),
        ("string", "is a JSON string"),
        ("array", "is a JSON array"),
        ("number", "is a JSON number"),
        ("boolean", "is a JSON boolean"),
        ("null", "is a JSON null"),
    ],
)
def test_an_input_that_is_no_order_is_refused(input_type: str, found: str) -> None:
    assert route(replace(ROW, input_type=input_type), SERVED, USE_DEFAULT) == Refuse(
        reason=f"job_input_data {found}; expected a JSON object that describes the order"
    )


@pytest.mark.parametrize(("attempts", "starts"), [(0, True), (1, True), (2, True), (3, False)])
def test_a_job_is_tried_as_often_as_configured(attempts: int, starts: bool) -> None:
    decision = route(replace(ROW, attempts=attempts), SERVED, USE_DEFAULT)
    reason = f"{attempts} attempts began and none came to an end"
    assert decision == (Start(path="beauty") if starts else Refuse(reason=reason))


MASKED = replace(ROW, path=None, job_type="simple_general", retouch=True)
EVERY = (*SERVED, "modify")


@pytest.mark.parametrize("settings", [USE_DEFAULT, REJECT])
@pytest.mark.parametrize("path", [None, "", " ", "modify", " Modify "])
def test_a_retouch_starts_on_the_path_of_its_own(
    path: str | None, settings: WorkerSettings
) -> None:
    assert route(replace(MASKED, path=path), EVERY, settings) == Start(path="modify")


@pytest.mark.parametrize("settings", [USE_DEFAULT, REJECT])
@pytest.mark.parametrize("path", ["beauty", " Shoes", "landing", "multiview"])
def test_a_retouch_comes_before_the_path_that_its_row_names(
    path: str, settings: WorkerSettings
) -> None:
    expected = Start(path="modify", requested=path.strip().lower())
    assert route(replace(MASKED, path=path), EVERY, settings) == expected


@pytest.mark.parametrize("path", [None, "fashion", "beauty"])
@pytest.mark.parametrize(
    ("served", "settings", "reason"),
    [
        (
            EVERY,
            WorkerSettings.model_validate({"modules": {"modify": {"enabled": False}}}),
            "path modify is not enabled",
        ),
        (EVERY, WorkerSettings(ignored_paths=("modify",)), "path modify is served elsewhere"),
        (SERVED, USE_DEFAULT, "path modify is not served here"),
        (SERVED, REJECT, "path modify is not served here"),
    ],
)
def test_a_retouch_that_is_not_ours_is_never_run_as_anything_else(
    path: str | None, served: tuple[str, ...], settings: WorkerSettings, reason: str
) -> None:
    row = replace(MASKED, path=path, attempts=9)
    assert route(row, served, settings) == Leave(reason=reason)


def test_a_retouch_is_refused_for_the_same_reasons_as_any_other_row() -> None:
    row = replace(MASKED, job_type="modify", input_type="string")
    decision = route(row, EVERY, USE_DEFAULT)
    assert isinstance(decision, Refuse)
    assert decision.reason.startswith("job_input_data is a JSON string")


def test_a_row_that_names_the_path_without_a_mask_goes_there_to_be_told_so() -> None:
    assert route(replace(ROW, path="Modify"), EVERY, REJECT) == Start(path="modify")
