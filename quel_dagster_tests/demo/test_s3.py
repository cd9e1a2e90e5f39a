"""The embedded S3 finds its objects again, whatever happened to it."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import httpx
import pytest
from boto3 import Session

from quel_dagster.demo.s3 import CREDENTIALS, s3_part, s3_url
from quel_dagster.demo.supervisor import Supervisor
from quel_dagster.services.storage import Storage


class Server:
    """An S3 with a journal, on its own."""

    def __init__(self, supervisor: Supervisor, journal: Path) -> None:
        port = supervisor.port()
        self.journal = journal
        self._supervisor = supervisor
        supervisor.start(s3_part(port, journal))
        httpx.put(f"{s3_url(port)}/attachments").raise_for_status()
        session = Session(
            CREDENTIALS["AWS_ACCESS_KEY_ID"],
            CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=CREDENTIALS["AWS_DEFAULT_REGION"],
        )
        self.storage = Storage(session, "attachments", endpoint=s3_url(port))

    def put(self, key: str, data: bytes) -> None:
        self.storage.put(key, data, "image/webp")

    def come_back(self) -> None:
        self._supervisor.kill("s3")
        self._supervisor.restart("s3")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Supervisor(tmp_path) as supervisor:
        yield Server(supervisor, tmp_path / "journal.jsonl")


def put_side_by_side(server: Server, objects: Mapping[str, bytes]) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(server.put, objects.keys(), objects.values()))


def test_uploads_side_by_side_are_all_there_after_a_kill(server: Server) -> None:
    random = Random(7)
    objects = {f"{n}.webp": random.randbytes(200_000) for n in range(40)}
    put_side_by_side(server, objects)
    server.come_back()
    assert {key: server.storage.fetch(key) for key in objects} == objects


def test_reading_and_restarting_add_nothing_to_the_journal(server: Server) -> None:
    server.put("picture.webp", b"picture")
    size = server.journal.stat().st_size
    server.storage.fetch("picture.webp")
    server.come_back()
    server.storage.fetch("picture.webp")
    assert server.journal.stat().st_size == size


def test_a_line_cut_short_by_a_power_cut_costs_only_itself(server: Server) -> None:
    server.put("whole.webp", b"whole")
    with server.journal.open("a") as journal:
        journal.write('{"environ": {"REQUEST_METHOD": "PUT", "PATH_')
    server.come_back()
    server.put("later.webp", b"later")
    server.come_back()
    assert server.storage.fetch("whole.webp") == b"whole"
    assert server.storage.fetch("later.webp") == b"later"
