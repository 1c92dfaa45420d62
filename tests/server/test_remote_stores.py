"""Real servers behind the interface of the embedded store: its own tests, publications, switches and leftovers."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from server import create_app
from server.errors import StorageError
from server.generations import DataFolder
from server.publish import publish, restore
from server.purge import purge
from server.readers import ReaderPool
from server.remote_store import RemoteStore, remote_store
from server.remote_store_names import read_names
from server.remote_store_publish import JOURNAL, RemotePublisher
from server.remote_store_queries import RemoteQueries
from server.settings import Settings, read_settings
from server.site import read_site
from server.store import ReadStore
from tests.conftest import NOW, ROWS, SmallSite

from . import test_readers, test_sparql_view
from .remote_servers import PRODUCTS, Server, credentials, running

pytestmark = pytest.mark.slow

# The tests of the embedded store, run against each server by way of the fixtures below.
test_each_form_is_answered_in_its_formats = test_readers.test_each_form_is_answered_in_its_formats
test_prefixes_nobody_uses_are_not_written = test_readers.test_prefixes_nobody_uses_are_not_written
test_the_dataset_of_the_request = test_readers.test_the_dataset_of_the_request
test_a_merge_that_is_too_large_is_refused = test_readers.test_a_merge_that_is_too_large_is_refused_with_the_reason
test_the_row_and_byte_limits_cut_and_say_so = test_readers.test_the_row_and_byte_limits_cut_and_say_so
test_a_large_answer_is_a_file = test_readers.test_a_large_answer_is_a_file_that_many_can_read
test_errors_say_what_and_where = test_readers.test_errors_say_what_and_where
test_what_a_format_cannot_hold_is_refused = test_readers.test_what_a_format_cannot_hold_is_refused_and_not_altered
test_a_store_that_is_not_there_is_503 = test_readers.test_a_store_that_is_not_there_is_503
test_identical_questions_are_evaluated_once = test_readers.test_identical_questions_are_evaluated_once
test_random_answers_are_not_shared = test_readers.test_random_answers_are_not_shared
test_a_switch_moves_every_query_to_the_new_store = test_readers.test_a_switch_moves_every_query_to_the_new_store
test_a_slow_query_is_stopped = test_readers.test_a_slow_query_is_stopped_and_not_tried_again
test_tables_and_booleans_in_every_format = test_sparql_view.test_tables_and_booleans_in_every_format
test_graphs_in_every_format = test_sparql_view.test_graphs_in_every_format
test_without_accept_machines_get_json = test_sparql_view.test_without_accept_machines_get_json_and_turtle
test_xml_keeps_what_a_parser_would_normalise = test_sparql_view.test_xml_keeps_what_a_parser_would_normalise
test_a_cut_off_answer_says_so = test_sparql_view.test_a_cut_off_answer_says_so_in_a_header_and_on_the_page
test_an_answer_has_one_tag_per_format = test_sparql_view.test_an_answer_has_one_tag_per_format_and_304_for_who_has_it
test_answers_that_change_are_not_kept = test_sparql_view.test_answers_that_change_are_not_kept
test_refusals_are_problem_details = test_sparql_view.test_refusals_are_problem_details_that_a_web_page_may_read
test_every_geosparql_function = test_sparql_view.test_every_geosparql_function_that_is_described_is_evaluated
test_browsers_get_pages = test_sparql_view.test_browsers_get_pages
test_a_token_lifts_the_limits_and_nothing_else = test_sparql_view.test_a_token_lifts_the_limits_and_nothing_else
test_columns_stand_as_the_query_names_them = test_sparql_view.test_columns_stand_as_the_query_names_them
test_every_graph_asked_for_keeps_the_order = test_sparql_view.test_every_graph_asked_for_keeps_the_order
ask = test_sparql_view.ask


@pytest.fixture(scope="module", params=PRODUCTS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of each product, with the credentials to publish to it."""
    with credentials(request.param), running(request.param, tmp_path_factory.mktemp(request.param)) as server:
        yield server


@pytest.fixture(scope="module")
def remote(server: Server) -> RemoteStore:
    """The server as torg sees it; the product is found out."""
    store = remote_store(Settings({"url": server.url}))
    assert store is not None
    return store


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory, remote: RemoteStore) -> tuple[Path, Path]:
    """The two stores of the readers' tests as generations that the server holds."""
    folder = tmp_path_factory.mktemp("stores")
    first, second = (_generation(folder / name, count) for name, count in (("first", 1000), ("second", 1001)))
    for store in (first, second):
        (folder / "data").mkdir(exist_ok=True)
        assert RemotePublisher(remote, folder / "data").bring(store.parent)
    return first, second


def _generation(folder: Path, count: int) -> Path:
    folder.mkdir()
    store = test_readers.build(folder / "store", count)
    graphs = []
    for name in ("skolor", "utvald"):
        lines = sorted(ReadStore(store).graph_lines(test_readers.GRAPH + name))
        (folder / f"{name}.nt.gz").write_bytes(gzip.compress("".join(lines).encode()))
        graphs.append(
            {
                "iri": test_readers.GRAPH + name,
                "kind": "dataset",
                "sha256": hashlib.sha256("".join(lines).encode()).hexdigest(),
                "triples": len(lines),
                "dump": f"{name}.nt.gz",
            }
        )
    manifest = {"base": "https://storby.example/", "graphs": graphs, "default_graph_triples": count}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return store


@pytest.fixture(scope="module")
def queries(remote: RemoteStore) -> RemoteQueries:
    return RemoteQueries(remote)


@pytest.fixture(scope="module")
def shared_pool(stores: tuple[Path, Path], queries: RemoteQueries) -> Iterator[ReaderPool]:
    with ReaderPool(stores[0], readers=1, prefixes={"schema": "https://schema.org/"}, ask=queries.ask) as pool:
        yield pool


@pytest.fixture
def pool(stores: tuple[Path, Path], queries: RemoteQueries) -> Iterator[ReaderPool]:
    queries.store.breaker.worked()
    with ReaderPool(stores[0], readers=2, ask=queries.ask) as pool:
        yield pool


@pytest.fixture(scope="module")
def app(starter: Path, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The starter region, whose one generation the server gets by a publication that changes nothing."""
    folder = Path(shutil.copytree(starter, tmp_path_factory.mktemp("remote") / "site"))
    settings = read_settings(environment={}, flags={"readers": 1, "query_rows": 500, "url": server.url})
    assert publish(read_site(folder), settings, now=NOW).generation is None
    app = create_app(folder, settings)
    yield app
    app.extensions["torg.queries"].close()
    app.extensions["torg"].close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def rows(client: FlaskClient, query: str, **options: str) -> list[dict[str, str]]:
    response = ask(client, query, **options)
    assert response.status_code == 200, response.json
    return [{name: term["value"] for name, term in row.items()} for row in response.json["results"]["bindings"]]


# -- what is asked where ----------------------------------------------------------------------------------------------


def test_the_server_answers_what_it_can_be_asked_and_the_embedded_store_the_rest(app: Flask) -> None:
    client, counts = app.test_client(), app.extensions["torg.queries"].remote.counts
    graphs = app.extensions["torg"].generation().graphs
    iri = next(graph.iri for graph in graphs.values() if graph.kind == "dataset")
    all_of_it = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
    merged = str(app.extensions["torg"].generation().manifest["default_graph_triples"])
    there = {
        all_of_it: merged,
        f"SELECT (COUNT(*) AS ?n) {{ GRAPH <{iri}> {{ ?s ?p ?o }} }}": str(graphs[iri].triples),
        f"SELECT (COUNT(*) AS ?n) FROM <{iri}> {{ ?s ?p ?o }}": str(graphs[iri].triples),
        f"PREFIX g: <{iri}> SELECT (COUNT(*) AS ?n) {{ ?s ?p ?o GRAPH g: {{ ?s ?p ?o }} }}": str(graphs[iri].triples),
    }
    here = {
        "SELECT (COUNT(DISTINCT ?g) AS ?n) { GRAPH ?g { ?s ?p ?o } }": str(len(graphs)),
        f"SELECT (COUNT(*) AS ?n) FROM <{iri}> FROM <{iri}x> {{ ?s ?p ?o }}": str(graphs[iri].triples),
        "SELECT (COUNT(*) AS ?n) { GRAPH <https://other.example/> { ?s ?p ?o } }": "0",
    }
    for where, asked in (("remote", there), ("embedded", here)):
        for query, expected in asked.items():
            before = counts[where]
            assert rows(client, query) == [{"n": expected}], query
            assert counts[where] == before + 1, query
    assert counts["failed"] == 0
    # A function of one product's own, by which it can do more than answer.
    asked, before = "PREFIX x: <bif:> SELECT (x:sys_stat('a') AS ?n) { }", counts["remote"]
    assert "not supported" in ask(client, asked).json["detail"] and counts["remote"] == before


def test_no_answer_names_a_version(app: Flask) -> None:
    client = app.test_client()
    for query in (
        "SELECT DISTINCT ?g { GRAPH ?g { ?s a ?t } }",
        "SELECT ?s { ?s ?p ?o FILTER(CONTAINS(STR(?s), '/v/')) }",
    ):
        assert not [row for row in rows(client, query) if "/v/" in "".join(row.values())]


def test_a_graph_that_was_never_published_cannot_be_reached_there(app: Flask, server: Server) -> None:
    other = "https://other.example/secret"
    store = app.extensions["torg.queries"].remote.store
    store.put(other, b"<http://e/a> <http://e/b> <http://e/c> .\n", replace=True, seconds=30)
    assert other in server.graphs("https://other.example/")
    client = app.test_client()
    for query in (
        f"SELECT * {{ GRAPH <{other}> {{ ?s ?p ?o }} }}",
        f"SELECT * FROM <{other}> {{ ?s ?p ?o }}",
        f"SELECT * FROM NAMED <{other}> {{ GRAPH <{other}> {{ ?s ?p ?o }} }}",
        "SELECT * { <http://e/a> ?p ?o }",
        "SELECT * { GRAPH ?g { <http://e/a> ?p ?o } }",
    ):
        assert rows(client, query) == []
    assert rows(client, "SELECT * { ?s ?p ?o }", **{"default-graph-uri": other}) == []
    names = read_names(app.extensions["torg"].generation().path)
    assert rows(client, f"SELECT * {{ GRAPH <{names.merged}> {{ ?s ?p ?o }} }}") == []


# -- publications -----------------------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path, server: Server) -> SmallSite:
    return SmallSite(tmp_path / "site")


@pytest.fixture
def settings(server: Server) -> Settings:
    return Settings({"url": server.url, "keep_generations": 2, "readers": 1})


SCHOOLS = "SELECT (COUNT(DISTINCT ?s) AS ?n) { ?s a <https://schema.org/School> }"
BASE = "https://data.asen.example/"


def published(site: SmallSite, settings: Settings, **options: object) -> int | None:
    return publish(read_site(site.folder), settings, **({"now": NOW} | options)).generation  # type: ignore[arg-type]


@pytest.fixture
def emptied(server: Server, remote: RemoteStore) -> None:
    for name in server.graphs(BASE):
        remote.drop(name, seconds=30)


def test_queries_follow_publications_and_old_graphs_go(
    emptied: None, site: SmallSite, settings: Settings, server: Server
) -> None:
    published(site, settings)
    app = create_app(site.folder, settings)
    client, counts = app.test_client(), app.extensions["torg.queries"].remote.counts
    assert rows(client, SCHOOLS) == [{"n": "8"}]
    for count in (7, 6, 5):
        site.write(ROWS[:count])
        published(site, settings, confirm=True)
        assert rows(client, SCHOOLS) == [{"n": str(count)}]
    assert rows(client, SCHOOLS, at="3") == [{"n": "6"}]
    assert counts["remote"] == 5
    data = DataFolder(site.data)
    assert data.numbers() == [3, 4]
    kept = set[str]().union(*(read_names(path).all for path in data.kept()))
    assert server.graphs(BASE) == kept
    assert set(json.loads((site.data / JOURNAL).read_text())[server.url]) == kept
    restore(read_site(site.folder), settings, 3)
    assert rows(client, SCHOOLS) == [{"n": "6"}]
    app.extensions["torg.queries"].close()


@pytest.mark.parametrize("after", [0, 1, 5, -1])
def test_a_killed_publication_leaves_what_is_served_and_the_next_one_cleans_up(
    emptied: None,
    site: SmallSite,
    settings: Settings,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    after: int,
) -> None:
    published(site, settings)
    app = create_app(site.folder, settings)
    client = app.test_client()
    assert rows(client, SCHOOLS) == [{"n": "8"}]
    site.write(ROWS[:7])
    put, done = RemoteStore.put, [0]

    def dying(self: RemoteStore, graph: str, lines: bytes, **options: object) -> None:
        if done[0] == after or (after < 0 and "/-/complete/" in graph):
            put(self, graph, lines.splitlines(keepends=True)[0], **options)  # type: ignore[arg-type]
            raise KeyboardInterrupt
        done[0] += 1
        put(self, graph, lines, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(RemoteStore, "put", dying)
        with pytest.raises(KeyboardInterrupt):
            published(site, settings, confirm=True)
    assert rows(client, SCHOOLS) == [{"n": "8"}]
    site.write(ROWS[:6])
    published(site, settings, confirm=True)
    assert rows(client, SCHOOLS) == [{"n": "6"}]
    assert server.graphs(BASE) == set[str]().union(*(read_names(path).all for path in DataFolder(site.data).kept()))
    app.extensions["torg.queries"].close()


def test_an_emptied_server_is_seen_and_filled_by_a_publication_that_changes_nothing(
    emptied: None, site: SmallSite, settings: Settings, server: Server, remote: RemoteStore
) -> None:
    published(site, settings)
    for name in server.graphs(BASE):
        remote.drop(name, seconds=30)
    app = create_app(site.folder, settings)
    counts = app.extensions["torg.queries"].remote.counts
    assert rows(app.test_client(), SCHOOLS) == [{"n": "8"}] and counts["embedded"] == 1
    app.extensions["torg.queries"].close()
    assert published(site, settings) is None
    app = create_app(site.folder, settings)
    counts = app.extensions["torg.queries"].remote.counts
    assert rows(app.test_client(), SCHOOLS) == [{"n": "8"}] and counts["remote"] == 1
    app.extensions["torg.queries"].close()


def test_a_server_that_loses_triples_is_not_switched_to(
    emptied: None, site: SmallSite, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = RemoteStore.put

    def losing(self: RemoteStore, graph: str, lines: bytes, **options: object) -> None:
        put(self, graph, b"".join(lines.splitlines(keepends=True)[1:]) or lines, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(RemoteStore, "put", losing)
    with pytest.raises(StorageError, match="It holds"):
        published(site, settings)
    assert DataFolder(site.data).current_name() is None


def test_what_is_purged_is_gone_from_the_server(
    emptied: None, site: SmallSite, settings: Settings, server: Server
) -> None:
    published(site, settings)
    iri = f"{BASE}id/school/10000003"
    about = f"SELECT ?p WHERE {{ GRAPH ?g {{ <{iri}> ?p ?o }} }}"
    assert server.ask(about)
    purge(read_site(site.folder), settings, [iri], "asked for")
    assert not server.ask(about)
    named = server.ask('SELECT ?s WHERE { GRAPH ?g { ?s ?p "Skola 3"@sv } }')
    assert not [row for row in named if row["s"].startswith(BASE)]


def test_a_triple_stated_in_several_graphs_counts_once(app: Flask, server: Server) -> None:
    total = sum(graph.triples for graph in app.extensions["torg"].generation().graphs.values() if graph.published)
    merged = app.extensions["torg"].generation().manifest["default_graph_triples"]
    found = rows(app.test_client(), "SELECT (COUNT(?s) AS ?n) { ?s ?p ?o }")
    assert found == [{"n": str(merged)}] and merged < total


@pytest.mark.parametrize("way", ["update", "graphs"])
def test_a_store_of_no_known_product_is_published_to_by_update_or_by_graphs(
    site: SmallSite, server: Server, way: str, emptied: None
) -> None:
    if server.product != "oxigraph":
        pytest.skip("one server that takes both is enough")
    there = {"update_url": f"{server.url}/update"} if way == "update" else {"graph_store_url": f"{server.url}/store"}
    settings = Settings({"url": server.query_url, "product": "generic", "readers": 1, **there})
    published(site, settings)
    app = create_app(site.folder, settings)
    assert rows(app.test_client(), SCHOOLS) == [{"n": "8"}]
    assert app.extensions["torg.queries"].remote.counts["remote"] == 1
    app.extensions["torg.queries"].close()
    without = Settings({"url": server.query_url, "product": "generic"})
    site.write(ROWS[:7])
    with pytest.raises(StorageError, match="update_url"):
        published(site, without, confirm=True)


def test_without_rights_nothing_is_published_and_the_reason_is_told(
    site: SmallSite, server: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch, emptied: None
) -> None:
    if server.product != "virtuoso":
        pytest.skip("the other server asks nobody who they are")
    monkeypatch.setenv("TORG_STORE_PASSWORD", "wrong")
    with pytest.raises(StorageError) as caught:
        published(site, settings)
    assert "401" in caught.value.en and "wrong" not in caught.value.en.replace("wrongly", "")
    assert requests.post(server.query_url, data={"query": "ASK {}"}, timeout=10).status_code == 200
