"""`quel order` places what it is told, or says in a line why it cannot."""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import redis
import sqlalchemy as sa
from click.testing import CliRunner, Result

from quel_dagster.cli.order import order_command
from quel_dagster.environment import here
from quel_dagster.services.database import connect
from quel_dagster.services.tables import job, photo
from quel_dagster_tests.builders import job_row, make_member


@pytest.fixture
def engine(database: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.Engine]:
    monkeypatch.setenv("QUEL_DATABASE_URL", database)
    monkeypatch.setenv("QUEL_REDIS_URL", redis_url)
    monkeypatch.delenv("QUEL_CONFIG", raising=False)
    here.cache_clear()
    engine = connect(database)
    yield engine
    engine.dispose()
    here().close()
    here.cache_clear()


def order(*arguments: str) -> Result:
    return CliRunner().invoke(order_command, [*arguments])


def rows(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        jobs = connection.scalar(sa.select(sa.func.count()).select_from(job))
        photos = connection.scalar(sa.select(sa.func.count()).select_from(photo))
    assert jobs == photos
    return jobs or 0


def test_the_order_stands_in_the_rows_and_its_ring_on_the_list(
    engine: sa.Engine, redis_url: str
) -> None:
    member = make_member(engine)
    done = order(
        *("--path", "eats", "--member", str(member), "--prompt", "soba", "--images", "2"),
        *("--angle", "overhead", "--reference", "51201:food"),
    )
    assert (done.exit_code, done.stderr) == (0, "")
    placed = UUID(done.stdout.strip())
    row = job_row(engine, placed)
    assert (row["quel_production_path"], row["total_images"]) == ("eats", 2)
    assert row["quel_member_id"] == member
    assert row["job_input_data"] == {
        "basePrompt": "soba",
        "aspect-ratio": "1:1",
        "individualImageAttachIds": [{"attachId": 51201, "type": "food"}],
        "combinations": [{"angle": "overhead", "shot": "", "quantity": 2}],
    }
    with redis.Redis.from_url(redis_url) as client:
        assert client.rpop("quel_jobs_queue") == str(placed).encode()


def test_a_file_is_the_whole_input(engine: sa.Engine, tmp_path: Path) -> None:
    stages = {"stages": [{"stage_index": 0, "prompt": "soba"}]}
    file = tmp_path / "order.json"
    file.write_text(json.dumps(stages))
    member = str(make_member(engine))
    done = order("--member", member, "--job-type", "pipeline_stage", "--input", str(file))
    row = job_row(engine, UUID(done.stdout.strip()))
    assert (row["job_type"], row["job_input_data"]) == ("pipeline_stage", stages)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--job-type", "mosaic"), "quel_production_jobs_job_type_check"),
        (("--member", str(uuid4())), 'is not present in table "quel_member"'),
        (("--org", str(uuid4())), 'is not present in table "quel_organization"'),
        (("--path", "p" * 51), "value too long for type character varying(50)"),
        (("--reference", "dress:51201"), "expected ID:KIND such as 51201:model"),
    ],
)
def test_what_cannot_be_written_is_refused_in_a_line_and_leaves_nothing(
    engine: sa.Engine, arguments: tuple[str, ...], told: str
) -> None:
    done = order("--member", str(make_member(engine)), *arguments)
    assert (done.exit_code != 0, done.stdout) == (True, "")
    assert told in done.stderr.splitlines()[-1]
    assert rows(engine) == 0


def test_a_file_that_is_no_json_is_named(engine: sa.Engine, tmp_path: Path) -> None:
    file = tmp_path / "order.json"
    file.write_text("{stages}")
    done = order("--member", str(uuid4()), "--input", str(file))
    assert done.exit_code == 2
    assert f"{file} is no JSON" in done.stderr
    assert rows(engine) == 0


def test_without_redis_the_order_stands_and_nobody_need_place_it_again(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUEL_REDIS_URL", "redis://127.0.0.1:1/0")
    done = order("--member", str(make_member(engine)))
    assert done.exit_code == 0
    assert job_row(engine, UUID(done.stdout.strip()))["job_status"] == "pending"
    assert "the order stands, and is found without a ring in 0:00:30" in done.stderr
