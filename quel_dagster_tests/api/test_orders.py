"""`POST /api/jobs` and `GET /api/jobs/{id}`: rows, rings, refusals by field, credit, payers."""

from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from quel_dagster.services import tables
from quel_dagster_tests.api.serving import Api, order
from quel_dagster_tests.builders import make_member, make_org
from quel_dagster_tests.services.store.jobs import rows

NOBODYS = UUID("00000000-0000-4000-8000-000000000000")


def join(engine: sa.Engine, org: UUID, member: UUID, status: str = "active") -> None:
    row = {"org_id": org, "member_id": member, "status": status}
    with engine.begin() as tx:
        tx.execute(sa.insert(tables.organization_member).values(row))


def test_an_order_becomes_a_photo_and_a_job_and_is_rung_for(api: Api) -> None:
    member = make_member(api.engine)
    combinations = [{"angle": "front", "quantity": 2}, {"angle": "back", "quantity": 1}]
    given = {"basePrompt": "linen suit", "combinations": combinations}
    answer = api.order(quel_member_id=member, job_input_data=given, production_name="Summer")
    assert answer.status_code == 201
    placed = answer.json()
    assert answer.headers["location"] == f"/api/jobs/{placed['job_id']}"
    assert api.rings() == [placed["job_id"]]
    assert (placed["path"], placed["total_images"], placed["estimated_credits"]) == (
        "fashion", 3, 60,
    )  # fmt: skip
    assert (placed["rung"], placed["repeated"], placed["warnings"]) == (True, False, [])
    row = api.row(placed["job_id"])
    assert (row["job_status"], row["job_type"], row["batch_index"]) == (
        "pending", "single_batch", 0,
    )  # fmt: skip
    assert (row["quel_member_id"], row["org_id"]) == (member, None)
    assert (row["total_images"], row["estimated_credits"]) == (3, 60)
    assert row["job_input_data"] == given
    (photo,) = rows(api.engine, tables.photo)
    assert str(photo["production_id"]) == placed["production_id"]
    assert (photo["quel_production_path"], photo["production_name"]) == ("fashion", "Summer")
    assert (photo["production_status"], photo["total_quantity"]) == ("pending", 3)


def test_a_job_is_shown_as_its_row_stands(api: Api) -> None:
    job_id = api.order().json()["job_id"]
    shown = api.get(f"/api/jobs/{job_id}").json()
    assert (shown["job_id"], shown["job_status"]) == (job_id, "pending")
    assert (shown["total_images"], shown["completed_images"]) == (1, 0)
    assert shown["generated_attach_ids"] == []
    assert shown["created_at"].endswith(("Z", "+00:00"))


@pytest.mark.parametrize("path", [f"/api/jobs/{NOBODYS}", "/api/jobs/7", "/api", "/api/jobs/"])
def test_what_is_not_there_is_not_found_in_json(api: Api, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("job_type", "given", "pictures"),
    [
        ("pipeline_stage", {"stages": [{"prompt": "soup", "quantity": 2}]}, 2),
        ("simple_general", {"prompt": "packshot"}, 1),
        (
            "simple_portrait",
            {"mergedImages": [{"mergedAttachId": 71001, "wrappingPrompt": "a coat"}]},
            1,
        ),
    ],
)
def test_every_shape_is_taken_and_stored_as_the_table_wants_it(
    api: Api, job_type: str, given: dict[str, object], pictures: int
) -> None:
    answer = api.order(job_type=job_type, job_input_data=given)
    assert answer.status_code == 201, answer.text
    row = api.row(answer.json()["job_id"])
    assert (row["job_type"], row["total_images"]) == (job_type, pictures)
    staged = (row["stage_index"], row["batch_index"])
    assert staged == ((0, None) if job_type == "pipeline_stage" else (None, 0))


def test_a_picture_to_retouch_is_taken_as_such_whatever_path_it_names(api: Api) -> None:
    given = {"maskDataUrl": "data:image/png;base64,iVBORw0KGgo=", "originalAttachId": 7}
    given |= {"prompt": "a brass button", "quantity": 2}
    answer = api.order(job_type="modify", quel_production_path=None, job_input_data=given)
    assert answer.status_code == 201, answer.text
    assert (answer.json()["path"], answer.json()["total_images"]) == ("modify", 2)
    row = api.row(answer.json()["job_id"])
    assert (row["job_type"], row["quel_production_path"]) == ("simple_general", None)


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"quel_member_id": "nobody"}, "quel_member_id", "valid UUID"),
        ({"job_input_data": None}, "job_input_data", "valid dictionary"),
        ({"job_input_data": {}}, "job_input_data", "is empty"),
        ({"job_type": "landing_page"}, "job_type", "is not served"),
        ({"quel_production_path": "multiview"}, "quel_production_path", "served elsewhere"),
        ({"quel_production_path": "x" * 51}, "quel_production_path", "at most 50"),
        ({"total_images": 0}, "total_images", "greater than or equal to 1"),
        ({"total_images": "many"}, "total_images", "valid integer"),
        ({"surprise": 1}, "surprise", "unknown field"),
        (
            {"job_input_data": {"combinations": [{"quantity": 1}, {"quantity": "three"}]}},
            "job_input_data.combinations[1].quantity",
            'got "three"',
        ),
        ({"job_input_data": {"aspect-ratio": "2:1"}}, "job_input_data.aspect-ratio", "2:1"),
        (
            {"job_input_data": {"combinations": [{"quantity": 61}]}},
            "job_input_data.combinations[0].quantity",
            "more than 60",
        ),
        (
            {"job_input_data": {"combinations": [{"quantity": 3}]}, "total_images": 2},
            "job_input_data.combinations[0].quantity",
            "announces 2",
        ),
    ],
)
def test_a_wrong_field_is_named_at_once_and_nothing_is_written(
    api: Api, fields: dict[str, object], field: str, message: str
) -> None:
    answer = api.post("/api/jobs", order(str(make_member(api.engine)), **fields))
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["field"] == field
    assert message in error["message"]
    assert rows(api.engine, tables.photo) == rows(api.engine, tables.job) == []
    assert api.rings() == []


def test_what_is_not_heeded_is_said(api: Api) -> None:
    nowhere = api.order(quel_production_path=None)
    stray = api.order(quel_production_path=" Sculpture ")
    closed = api.order(quel_production_path="cartoon")
    mixed = api.order(job_input_data={"basePrompt": "a suit", "surprise": 1})
    assert "no path is asked for; fashion serves the order" in nowhere.json()["warnings"]
    assert "path sculpture is asked for; fashion serves the order" in stray.json()["warnings"]
    assert "path cartoon is not enabled: the order waits until it is" in closed.json()["warnings"]
    assert any("surprise" in warning for warning in mixed.json()["warnings"])
    assert api.row(nowhere.json()["job_id"])["quel_production_path"] is None
    assert api.row(stray.json()["job_id"])["quel_production_path"] == "sculpture"


@pytest.mark.parametrize("credit", [0, 39])
def test_an_order_beyond_the_balance_is_402_and_writes_nothing(api: Api, credit: int) -> None:
    answer = api.order(credit, job_input_data={"combinations": [{"quantity": 2}]})
    assert answer.status_code == 402
    assert answer.json()["error"]["message"].endswith(f"has {credit} credits, 2 pictures cost 40")
    assert rows(api.engine, tables.photo) == []


def test_a_balance_that_just_covers_the_pictures_is_enough(api: Api) -> None:
    assert api.order(40, job_input_data={"combinations": [{"quantity": 2}]}).status_code == 201


def test_w25_an_organization_pays_for_its_active_members_only(api: Api) -> None:
    member, org = make_member(api.engine, credit=0), make_org(api.engine)
    stranger = api.order(quel_member_id=member, org_id=str(org))
    join(api.engine, org, member)
    served = api.order(quel_member_id=member, org_id=str(org))
    assert (stranger.status_code, stranger.json()["error"]["field"]) == (422, "org_id")
    assert served.status_code == 201
    assert api.row(served.json()["job_id"])["org_id"] == org
    left = make_member(api.engine)
    join(api.engine, org, left, "left")
    assert api.order(quel_member_id=left, org_id=str(org)).status_code == 422


def test_an_organization_that_is_not_active_or_short_pays_nothing(api: Api) -> None:
    member = make_member(api.engine)
    suspended, poor = make_org(api.engine, status="suspended"), make_org(api.engine, credit=19)
    join(api.engine, suspended, member)
    join(api.engine, poor, member)
    refused = api.order(quel_member_id=member, org_id=str(suspended)).json()["error"]
    assert (refused["field"], "suspended" in refused["message"]) == ("org_id", True)
    assert api.order(quel_member_id=member, org_id=str(poor)).status_code == 402


def test_w20_who_pays_is_not_said_in_the_input(api: Api) -> None:
    stranger = str(make_member(api.engine))
    answer = api.order(job_input_data={"basePrompt": "a suit", "userId": stranger})
    (warning,) = [text for text in answer.json()["warnings"] if text.startswith("userId")]
    assert "the row pays" in warning
    assert str(api.row(answer.json()["job_id"])["quel_member_id"]) != stranger


@pytest.mark.parametrize("field", ["quel_member_id", "org_id"])
def test_a_payer_who_does_not_exist_is_named(api: Api, field: str) -> None:
    answer = api.post("/api/jobs", {**order(str(make_member(api.engine))), field: str(uuid4())})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
