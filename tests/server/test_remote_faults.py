"""A remote store that is down, slow, wrong or malicious: told in time, nothing kept, and the site goes on."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from server import create_app
from server.errors import SettingsError
from server.remote_addresses import addresses_of
from server.remote_store import Breaker, RemoteError, remote_store
from server.settings import Settings
from tests.conftest import SmallSite

from .remote_servers import RESULTS, Fake, bindings, free_port

QUERY = "SELECT ?s WHERE { ?s ?p ?o }"
SECONDS = 0.7


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, make_site) -> SmallSite:
    small = make_site(tmp_path_factory.mktemp("remote") / "site")
    small.publish()
    return small


@pytest.fixture(scope="module")
def fake() -> Iterator[Fake]:
    with Fake().running() as fake:
        yield fake


@pytest.fixture(scope="module")
def served(site: SmallSite, fake: Fake) -> Iterator[FlaskClient]:
    limits = {"query_seconds": SECONDS, "query_bytes": 200_000, "readers": 1, "client_seconds_per_minute": 6000.0}
    app = create_app(site.folder, Settings({"url": fake.url, "product": "generic", **limits}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("server.remote_store._PROBE_SECONDS", 0.3)
        yield app.test_client()
    app.extensions["torg.queries"].close()
    app.extensions["torg"].close()


@pytest.fixture
def client(served: FlaskClient, fake: Fake) -> FlaskClient:
    """A client of a site whose store is in order again."""
    fake.mode = fake.probe = "right"
    service = served.application.extensions["torg.queries"]
    service.remote.store.breaker.worked()
    service.budgets.__init__(6000.0, 12000.0, 50)
    return served


def ask(client: FlaskClient):
    return client.get(
        "/sparql", query_string={"query": f"{QUERY} # {time.monotonic_ns()}"}, headers={"Accept": RESULTS}
    )


def test_a_right_answer_is_the_store_s(client: FlaskClient) -> None:
    assert bindings(ask(client).data) == [{"s": "http://e/a"}]


@pytest.mark.parametrize(
    ("mode", "status"),
    [
        ("hangs", 504),
        ("drips_headers", 504),
        ("drips_body", 504),
        ("endless_blank", 502),
        ("hangs_up", 503),
        ("is_busy", 503),
        ("truncates", 502),
        ("truncates_chunks", 502),
        ("tells_no_end", 502),
        ("half_a_document", 502),
        ("garbage", 502),
        ("deep", 502),
        ("page", 502),
        ("page_as_results", 502),
        ("other_type", 502),
        ("other_results", 502),
        ("compressed", 502),
        ("elsewhere", 502),
        ("fails", 502),
    ],
)
def test_a_store_that_misbehaves_is_a_problem_in_time(client: FlaskClient, fake: Fake, mode: str, status: int) -> None:
    fake.mode = mode
    fake.probe = mode if mode.startswith(("hangs", "drips")) else "right"
    started = time.monotonic()
    answer = ask(client)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert time.monotonic() - started < SECONDS + 4.5
    assert int(answer.headers["Retry-After"]) >= 1
    assert "127.0.0.1" not in answer.get_data(as_text=True)
    assert client.get("/datasets").status_code == 200
    fake.mode = fake.probe = "right"
    client.application.extensions["torg.queries"].remote.store.breaker.worked()
    assert ask(client).status_code == 200
    assert "elsewhere" not in "".join(fake.asked[-3:])


def test_a_slow_query_is_stopped_and_not_tried_again_while_the_store_answers_others(
    client: FlaskClient, fake: Fake
) -> None:
    fake.mode = "hangs"
    text = "SELECT ?s WHERE { ?s ?p ?o . ?a ?b ?c }"
    first, second = (client.get("/sparql", query_string={"query": text}, headers={"Accept": RESULTS}) for _ in range(2))
    assert (first.status_code, first.json["title"]) == (504, "Query too slow")
    assert second.status_code == 422
    fake.mode = "right"
    assert ask(client).status_code == 200


def test_an_endless_answer_is_cut_at_our_limit_and_fills_nothing(client: FlaskClient, fake: Fake) -> None:
    fake.mode = "endless"
    answer = ask(client)
    assert answer.status_code == 200 and answer.headers["X-Result-Truncated"].startswith("bytes")
    assert len(answer.data) <= 200_000 and bindings(answer.data)


@pytest.mark.parametrize("mode", ["refuses", "cuts"])
def test_what_the_store_cannot_answer_whole_the_embedded_one_does(client: FlaskClient, fake: Fake, mode: str) -> None:
    fake.mode = mode
    found = bindings(ask(client).data)
    assert len(found) > 100 and {"s": "http://e/a"} not in found


def test_the_breaker_answers_at_once_and_recovers(client: FlaskClient, fake: Fake) -> None:
    breaker = client.application.extensions["torg.queries"].remote.store.breaker
    fake.mode = fake.probe = "hangs_up"
    assert [ask(client).status_code for _ in range(3)] == [503, 503, 503]
    before, started = len(fake.asked), time.monotonic()
    answer = ask(client)
    assert answer.status_code == 503 and int(answer.headers["Retry-After"]) >= 1
    assert time.monotonic() - started < 0.5 and len(fake.asked) == before
    fake.mode = fake.probe = "right"
    breaker._until = 0.0  # The pause is over.
    assert ask(client).status_code == 200 and not breaker.open


def test_an_open_breaker_lets_one_through_and_waits_longer_each_time() -> None:
    now = [0.0]
    breaker = Breaker(lambda: now[0])
    for _ in range(3):
        breaker.enter()
        breaker.failed()
    pauses = []
    for _ in range(6):
        with pytest.raises(RemoteError) as caught:
            breaker.enter()
        pauses.append(caught.value.wait)
        now[0] += caught.value.wait
        breaker.enter()
        with pytest.raises(RemoteError):
            breaker.enter()  # Another one, while the first tries.
        breaker.failed()
    assert pauses == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]
    breaker.worked()
    breaker.enter()


def test_figures_tell_what_came_of_queries(client: FlaskClient, fake: Fake) -> None:
    def figures() -> dict[str, float]:
        families = text_string_to_metric_families(client.get("/-/metrics").text)
        return {
            sample.labels.get("outcome", sample.name): sample.value
            for family in families
            for sample in family.samples
            if sample.name.startswith("torg_remote_")
        }

    until = time.monotonic() + 60
    while ask(client).status_code != 200 and time.monotonic() < until:
        time.sleep(0.1)  # the first reader is on its way
    before = figures()
    assert before["torg_remote_store_avoided"] == 0
    assert ask(client).status_code == 200
    fake.mode = fake.probe = "hangs_up"
    for _ in range(5):
        ask(client)
    after = figures()
    assert {name: after[name] - before[name] for name in after} == {
        "remote": 1, "embedded": 0, "failed": 3, "refused": 2, "torg_remote_store_avoided": 1,
    }  # fmt: skip


def test_a_store_that_is_down_costs_queries_alone(site: SmallSite) -> None:
    app = create_app(site.folder, Settings({"url": f"http://127.0.0.1:{free_port()}", "readers": 1}))
    client = app.test_client()
    assert ask(client).status_code == 503
    assert client.get("/id/school/10000001", headers={"Accept": "text/turtle"}, follow_redirects=True).status_code
    assert client.get("/datasets").status_code == 200
    assert client.get("/-/ready").status_code == 200
    app.extensions["torg.queries"].close()


def test_nothing_is_left_of_what_failed(client: FlaskClient, fake: Fake) -> None:
    def held() -> tuple[int, int]:
        return len(os.listdir("/proc/self/fd")), sum(t.name == "remote-store" for t in threading.enumerate())

    ask(client)
    before = held()
    for mode in ("truncates", "page", "hangs_up", "drips_body"):
        fake.mode = fake.probe = mode
        ask(client)
        client.application.extensions["torg.queries"].remote.store.breaker.worked()

    def is_over() -> bool:
        # The server that misbehaves lives in this process too.
        return held()[0] <= before[0] + 2 and held()[1] == 0

    until = time.monotonic() + 120
    while not is_over() and time.monotonic() < until:
        time.sleep(0.05)
    assert is_over()


def test_publication_to_a_store_that_is_down_leaves_what_is_served(site: SmallSite) -> None:
    from server.errors import StorageError
    from server.publish import publish
    from server.site import read_site

    before = (site.data / "current").read_text()
    settings = Settings({"url": f"http://127.0.0.1:{free_port()}", "product": "oxigraph"})
    with pytest.raises(StorageError) as caught:
        publish(read_site(site.folder), settings)
    assert "cannot be reached" in caught.value.en and "torg publish" in caught.value.sv
    assert (site.data / "current").read_text() == before


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"url": "ftp://a.example/"}, "http://"),
        ({"url": "nonsense"}, "http://"),
        ({"url": "http://user:secret@a.example/"}, "TORG_STORE_PASSWORD"),
        ({"url": "http://a.example/", "product": "fuseki"}, "virtuoso"),
        ({"url": "http://a.example/", "update_url": "x"}, "update_url"),
    ],
)
def test_settings_that_cannot_be_are_told(values: dict[str, str], word: str) -> None:
    with pytest.raises(SettingsError) as caught:
        remote_store(Settings(values))
    assert word in caught.value.en and word in caught.value.sv
    assert "secret" not in caught.value.en or "user:" not in caught.value.en


def test_addresses_follow_from_the_product() -> None:
    assert addresses_of("oxigraph", "http://a/query").update == "http://a/update"
    assert addresses_of("virtuoso", "http://a/sparql").graphs == "http://a/sparql-graph-crud-auth"
    assert addresses_of("generic", "http://a/ds", "http://a/u").graphs == ""
