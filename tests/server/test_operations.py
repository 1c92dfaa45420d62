"""What the operator sees: figures and generations, through the front as it is served."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import Client

from server import create_app
from server.settings import read_settings
from server.views.operations import front


@pytest.fixture
def client(starter: Path) -> Iterator[Client]:
    app = create_app(starter, read_settings(environment={}, flags={"readers": 1}))
    yield Client(front(app))
    app.extensions["torg.queries"].close()
    app.extensions["torg"].close()


def figures(client: Client) -> dict[tuple[str, ...], float]:
    response = client.get("/-/metrics")
    assert response.status_code == 200 and "no-store" in response.headers["Cache-Control"]
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def test_figures_count_requests_readers_and_the_cache(client: Client) -> None:
    for _ in range(3):
        assert client.get("/sparql?query=ASK{}", headers={"Accept": "text/csv"}).data == b"true"
    assert client.get("/none").status_code == 404
    found = figures(client)
    assert found["torg_requests_total", "miss", "/sparql", "200"] == 1
    assert found["torg_requests_total", "hit", "/sparql", "200"] == 2
    assert found["torg_requests_total", "miss", "other", "404"] == 1
    assert found["torg_request_seconds_count",] == 4
    assert (found["torg_cache_requests_total", "hit"], found["torg_cache_requests_total", "miss"]) == (2, 2)
    assert found["torg_queries_total", "answered"] == 1
    assert found["torg_query_seconds_count",] == found["torg_query_seconds_bucket", "+Inf"] == 1
    assert 0 < found["torg_query_seconds_sum",] < 20
    assert found["torg_generation",] == 1
    assert found["torg_generation_age_seconds",] > 86_400
    assert found["torg_datasets", "published"] > 20
    assert found["torg_findings", "block"] == 0 and found["torg_findings", "info"] >= 0
    assert found["torg_publication_blocked",] == 0
    assert found["torg_publication_timestamp_seconds",] == 1772337600
    assert found["torg_readers",] >= 1
    assert found["torg_reader_deaths_total", "crash"] == 0


def test_generations_are_listed_with_the_one_that_is_served(client: Client) -> None:
    found = client.get("/-/generations").json["generations"]
    assert [(entry["number"], entry["current"]) for entry in found] == [(1, True)]
    assert found[0]["triples"] > 1000 and found[0]["created"].startswith("2026-03-01")


def test_the_front_codes_pages_and_keeps_head_like_get(client: Client) -> None:
    for path, accept in (("/", "text/html"), ("/sparql", "text/turtle")):
        headers = {"Accept": accept, "Accept-Encoding": "gzip"}
        get, head = client.get(path, headers=headers), client.head(path, headers=headers)
        assert get.headers["Content-Encoding"] == "gzip" and "Accept-Encoding" in get.headers["Vary"]
        assert dict(get.headers) == dict(head.headers) and not head.data
        again = client.get(path, headers={**headers, "If-None-Match": get.headers["ETag"]})
        assert again.status_code == 304
    # The page with the editor lets in a style by a number used once, so nobody may keep it.
    editor = client.get("/sparql", headers={"Accept": "text/html"})
    assert editor.headers["Cache-Control"] == "no-store"
