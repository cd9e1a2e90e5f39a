"""`GET /metrics`: Prometheus reads it, and its figures are the store's."""

from contextlib import closing
from datetime import timedelta
from uuid import uuid4

import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families

from quel_dagster import categories
from quel_dagster.demo.comfyui.process import ComfyUIProcess
from quel_dagster.demo.parts import reserved_port
from quel_dagster.model.alert import Alert, AlertKind
from quel_dagster.model.errors import InvalidJob, kind_of
from quel_dagster.model.job import Payer, Production
from quel_dagster.services.backend_book import BackendBook, Look
from quel_dagster.services.comfyui.server import ComfyServer
from quel_dagster.services.counters import Count, Counter
from quel_dagster_tests.api.serving import Api, serving
from quel_dagster_tests.builders import make_member, place
from quel_dagster_tests.intake.door import Door
from quel_dagster_tests.journey.moments import eventually
from quel_dagster_tests.services.comfyui.seats import Seats
from quel_dagster_tests.services.store.jobs import begin, deliver, lapse, planned, reserve

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scrape(api: Api) -> Samples:
    """Every sample by its name and labels."""
    answer = api.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = list(text_string_to_metric_families(answer.text))
    assert all(family.documentation for family in families)
    samples = [sample for family in families for sample in family.samples]
    found = {(each.name, tuple(sorted(each.labels.items()))): each.value for each in samples}
    assert len(found) == len(samples)
    return found


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, tuple(sorted(labels.items()))]


def waiting(api: Api, path: str | None, minutes: int = 0, count: int = 1) -> None:
    payer = Payer(member_id=make_member(api.engine))
    for _ in range(count):
        place(api.engine, payer, path=path, age=timedelta(minutes=minutes))


def test_w74_every_path_has_its_figures_before_anything_happens(api: Api) -> None:
    samples = scrape(api)
    for path in categories.paths():
        assert value(samples, "quel_jobs_waiting", path=path) == 0
        assert value(samples, "quel_oldest_waiting_seconds", path=path) == 0
        assert value(samples, "quel_jobs_running", path=path) == 0
    assert value(samples, "quel_postgres_up") == value(samples, "quel_redis_up") == 1


def test_what_waits_is_counted_by_the_path_it_names(api: Api) -> None:
    waiting(api, "beauty", minutes=10)
    waiting(api, " Beauty", minutes=20, count=2)
    waiting(api, None, count=3)
    waiting(api, "sculpture")
    waiting(api, "multiview")
    waiting(api, "fashion", minutes=60 * 24 * 40)
    samples = scrape(api)
    counted = {
        dict(labels)["path"]: count
        for (name, labels), count in samples.items()
        if name == "quel_jobs_waiting" and count
    }
    assert counted == {"beauty": 3, "none": 3, "unknown": 1}
    assert 1200 <= value(samples, "quel_oldest_waiting_seconds", path="beauty") < 1260
    assert value(samples, "quel_oldest_waiting_seconds", path="fashion") == 0


def test_what_runs_is_shown_beside_its_limit(api: Api) -> None:
    store = api.environment.store
    payer = Payer(member_id=make_member(api.engine))
    jobs = [place(api.engine, payer) for _ in range(4)]
    begin(store, jobs[0], "run-1")
    dead = begin(store, jobs[1], "run-2")
    lapse(api.engine, dead.id)
    reserve(store, jobs[2])
    samples = scrape(api)
    assert value(samples, "quel_jobs_running", path="fashion") == 1
    assert value(samples, "quel_jobs_reserved", path="fashion") == 1
    assert value(samples, "quel_jobs_waiting", path="fashion") == 2
    assert value(samples, "quel_jobs_limit", path="fashion") == 5
    assert value(samples, "quel_jobs_limit", path="cartoon") == 0
    store.limits.note({"fashion": 2, "cartoon": 9})
    samples = scrape(api)
    assert value(samples, "quel_jobs_limit", path="fashion") == 2
    assert value(samples, "quel_jobs_limit", path="cartoon") == 0


def test_ends_are_counted_by_kind_and_timed(api: Api) -> None:
    store, engine = api.environment.store, api.engine
    whole, some, none = (planned(store, engine, pictures=2) for _ in range(3))
    deliver(store, whole, 0, 1)
    deliver(store, some, 1)
    store.settle(whole.ticket, Production())
    store.settle(some.ticket, Production())
    wrong = kind_of(InvalidJob("stages", "empty"))
    store.settle(none.ticket, Production(stopped="stages: empty", failure=wrong))
    store.release(
        planned(store, engine).ticket, "away", pause=timedelta(0), most=1, failure="backend_away"
    )
    dead = planned(store, engine)
    lapse(engine, dead.id)
    store.crash(dead.ticket, "killed", pause=timedelta(0), most=1)
    store.settle(planned(store, engine).ticket, Production())
    refused = place(engine, Payer(member_id=make_member(engine)))
    store.refuse(refused, "nobody serves it")
    cancelled = place(engine, Payer(member_id=make_member(engine)))
    api.post(f"/api/jobs/{cancelled}/cancel")
    samples = scrape(api)
    for kind, path in [
        ("invalid_job", "fashion"),
        ("backend_away", "fashion"),
        ("crashed", "fashion"),
        ("every_picture", "fashion"),
        ("refused", "none"),
    ]:
        assert value(samples, "quel_jobs_failed_total", path=path, kind=kind) == 1
    assert value(samples, "quel_jobs_completed_total", path="fashion", kind="all") == 1
    assert value(samples, "quel_jobs_completed_total", path="fashion", kind="some") == 1
    assert value(samples, "quel_jobs_cancelled_total", path="none") == 1
    assert value(samples, "quel_job_wait_seconds_count", path="fashion") == 6
    assert value(samples, "quel_job_run_seconds_count", path="fashion") == 6


def test_times_fall_into_the_buckets_they_belong_to(api: Api) -> None:
    store, engine = api.environment.store, api.engine
    payer = Payer(member_id=make_member(engine))
    for minutes in (0, 3, 3, 600):
        begin(store, place(engine, payer, age=timedelta(minutes=minutes)), f"run-{uuid4()}")
    samples = scrape(api)

    def bucket(bound: str) -> float:
        return value(samples, "quel_job_wait_seconds_bucket", path="fashion", le=bound)

    found = [bucket(bound) for bound in ("60.0", "120.0", "300.0", "7200.0", "+Inf")]
    assert found == [1, 1, 3, 3, 4]
    total = value(samples, "quel_job_wait_seconds_sum", path="fashion")
    assert 36_360 <= total < 36_400


def test_a_job_that_is_tried_or_ordered_again_waits_once(api: Api) -> None:
    store, engine = api.environment.store, api.engine
    job_id = place(engine, Payer(member_id=make_member(engine)))
    tried = begin(store, job_id, "run-1")
    store.release(tried.ticket, "later", pause=timedelta(0), most=3)
    begin(store, job_id, "run-2")
    assert value(scrape(api), "quel_job_wait_seconds_count", path="fashion") == 1


def test_alerts_that_nobody_has_taken_are_counted_with_their_age(api: Api) -> None:
    assert value(scrape(api), "quel_alerts_untold") == 0
    kind = AlertKind.CHECK_FAILED
    api.environment.outbox.note(Alert(event=f"{kind}/stuck_jobs", kind=kind, told="look"))
    samples = scrape(api)
    assert value(samples, "quel_alerts_untold") == 1
    assert 0 < value(samples, "quel_oldest_untold_alert_seconds") < 60


def test_dropped_rings_and_lost_tickets_are_counted_by_reason(
    api: Api, variables: dict[str, str]
) -> None:
    store, queue = api.environment.store, api.environment.queue
    payer = Payer(member_id=make_member(api.engine))
    running = begin(store, place(api.engine, payer), "run-1").id
    waits = place(api.engine, payer)
    for rung in (running, waits, waits, waits, uuid4()):
        queue.ring(rung)
    with redis.Redis.from_url(variables["QUEL_REDIS_URL"]) as front_end:
        front_end.lpush("jobs:queue", "no id")
    assert value(scrape(api), "quel_rings_waiting", list="quel_jobs_queue") == 5
    Door(engine=api.engine, queue=queue, store=store, customer=payer).let_in()
    store.counters.add(Count(name=Counter.TICKET_LOST, path="fashion", kind="produce"))
    samples = scrape(api)
    dropped = {"repeated": 2, "not_waiting": 1, "unknown": 1, "unreadable": 1}
    for reason, count in dropped.items():
        assert value(samples, "quel_rings_dropped_total", reason=reason) == count
    assert value(samples, "quel_tickets_lost_total", path="fashion", step="produce") == 1
    assert value(samples, "quel_rings_waiting", list="quel_jobs_queue") == 0


def test_each_back_end_is_asked_how_it_is(
    variables: dict[str, str], comfyui: ComfyUIProcess
) -> None:
    with closing(ComfyServer(comfyui.url)) as server:
        eventually(lambda: server.load() == 0)  # what another test has asked for has ended
    with reserved_port() as port:
        urls = f"{comfyui.url},http://user:secret@127.0.0.1:{port}"
        with serving({**variables, "COMFYUI_URLS": urls}) as api:
            book, seats = BackendBook(api.engine), Seats(api.engine)
            book.take(seats.new(), [Look(url=comfyui.url, load=0)])
            book.quarantine(f"http://127.0.0.1:{port}", "it hangs")
            samples = scrape(api)
            text = api.get("/metrics").text
    assert value(samples, "quel_backend_up", backend=comfyui.url) == 1
    assert value(samples, "quel_backend_prompts", backend=comfyui.url) == 0
    assert value(samples, "quel_backend_places", backend=comfyui.url) == 1
    assert value(samples, "quel_backend_quarantined", backend=comfyui.url) == 0
    assert value(samples, "quel_backend_up", backend=f"http://127.0.0.1:{port}") == 0
    assert value(samples, "quel_backend_quarantined", backend=f"http://127.0.0.1:{port}") == 1
    assert "secret" not in text


@pytest.mark.parametrize("accept", ["application/openmetrics-text; version=1.0.0", "*/*", ""])
def test_a_scraper_gets_the_form_it_asks_for(api: Api, accept: str) -> None:
    answer = api.client.get("/metrics", headers={"Accept": accept})
    kind = "application/openmetrics-text" if accept.startswith("app") else "text/plain"
    assert answer.headers["content-type"].startswith(kind)
    assert answer.text.endswith("# EOF\n") == accept.startswith("app")
