"""The SPARQL endpoint over HTTP: negotiation, limits told, caching, refusals, the description and the page."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
import rdflib
from flask import Flask
from flask.testing import FlaskClient

from server import create_app
from server.service_description import GEOSPARQL_FUNCTIONS
from server.settings import read_settings
from server.tokens import TokenFile
from tests.conftest import NOW, ROWS, SmallSite

JSON, XML, CSV, TSV = (
    "application/sparql-results+json",
    "application/sparql-results+xml",
    "text/csv",
    "text/tab-separated-values",
)
CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
SD = rdflib.Namespace("http://www.w3.org/ns/sparql-service-description#")
VOID = rdflib.Namespace("http://rdfs.org/ns/void#")


@pytest.fixture(scope="module")
def app(starter: Path) -> Iterator[Flask]:
    app = create_app(starter, read_settings(environment={}, flags={"readers": 1, "query_rows": 500}))
    yield app
    app.extensions["torg.queries"].close()
    app.extensions["torg"].close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def ask(client: FlaskClient, query: str, accept: str | None = JSON, **options: str):
    headers = {} if accept is None else {"Accept": accept}
    return client.get("/sparql?" + urlencode({"query": query, **options}), headers=headers)


@pytest.mark.parametrize("media_type", [JSON, XML, CSV, TSV])
@pytest.mark.parametrize("query", ["ASK {}", "SELECT (1 AS ?x) {}"])
def test_tables_and_booleans_in_every_format(client: FlaskClient, query: str, media_type: str) -> None:
    response = ask(client, query, media_type)
    assert (response.status_code, response.mimetype) == (200, media_type)
    assert {"Accept", "Authorization"} <= set(response.headers["Vary"].split(", "))
    posted = client.post("/sparql", data=query, headers={"Accept": media_type}, content_type="application/sparql-query")
    formed = client.post("/sparql", data={"query": query}, headers={"Accept": media_type})
    assert response.data == posted.data == formed.data


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")  # rdflib's own JSON-LD parser uses it.
@pytest.mark.parametrize(
    ("media_type", "format"),
    [
        ("text/turtle", "turtle"),
        ("application/n-triples", "nt"),
        ("application/rdf+xml", "xml"),
        ("application/ld+json", "json-ld"),
    ],
)
def test_graphs_in_every_format(client: FlaskClient, media_type: str, format: str) -> None:
    response = ask(client, "CONSTRUCT WHERE { ?s a ?type } LIMIT 20", media_type)
    assert (response.status_code, response.mimetype) == (200, media_type)
    assert len(rdflib.Graph().parse(data=response.data, format=format)) == 20


def test_without_accept_machines_get_json_and_turtle(client: FlaskClient) -> None:
    assert ask(client, "SELECT (1 AS ?x) {}", None).mimetype == JSON
    assert ask(client, "DESCRIBE <http://a/>", None).mimetype == "text/turtle"
    assert ask(client, "SELECT (1 AS ?x) {}", None, format="csv").mimetype == CSV
    assert ask(client, "SELECT (1 AS ?x) {}", "image/png").status_code == 406
    unknown = ask(client, "SELECT (1 AS ?x) {}", format="docx")
    assert unknown.status_code == 406 and "csv" in {each["format"] for each in unknown.get_json()["offered"]}
    assert client.get("/sparql?format=docx", headers={"Accept": JSON}).status_code == 406


def test_xml_keeps_what_a_parser_would_normalise(client: FlaskClient) -> None:
    response = ask(client, "SELECT ('a\\r\\nb' AS ?x) {}", XML)
    literal = ET.fromstring(response.data).find(".//{http://www.w3.org/2005/sparql-results#}literal")
    assert literal is not None and literal.text == "a\r\nb"
    assert ask(client, "SELECT ('a\\u0001b' AS ?x) {}", XML).status_code == 406


def test_a_cut_off_answer_says_so_in_a_header_and_on_the_page(client: FlaskClient) -> None:
    response = ask(client, "SELECT * { ?s ?p ?o }")
    assert response.headers["X-Result-Truncated"] == "rows; limit=500"
    assert len(response.json["results"]["bindings"]) == 500
    assert "rows=500" in response.headers["X-Query-Limits"]
    assert "X-Result-Truncated" in response.headers["Access-Control-Expose-Headers"]
    assert "X-Result-Truncated" not in ask(client, "SELECT * { ?s ?p ?o } LIMIT 500").headers
    assert "avkortat" in ask(client, "SELECT * { ?s ?p ?o }", CHROME, lang="sv").text


def test_an_answer_has_one_tag_per_format_and_304_for_who_has_it(client: FlaskClient) -> None:
    tags = {ask(client, "ASK {}", media_type).headers["ETag"] for media_type in (JSON, XML, CSV, TSV)}
    assert len(tags) == 4
    tag = ask(client, "ASK {}").headers["ETag"]
    again = client.get("/sparql?query=ASK{}", headers={"Accept": JSON, "If-None-Match": tag})
    assert again.status_code == 304 and not again.data
    assert again.headers["Vary"] and again.headers["Cache-Control"]


def test_answers_that_change_are_not_kept(client: FlaskClient) -> None:
    assert ask(client, "SELECT (RAND() AS ?x) {}").headers["Cache-Control"] == "no-store"
    assert "max-age" in ask(client, "ASK {}").headers["Cache-Control"]


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("ASK {", 400, "line 1, column 6"),
        ("SELECT *\n{ ?s schema:name ?o }", 400, "PREFIX schema: <https://schema.org/>"),
        ("ASK { SERVICE <http://127.0.0.1/> {} }", 403, "SERVICE"),
        ("INSERT DATA { <a:a> <a:b> 1 }", 403, "read-only"),
        ("CLEAR ALL", 403, "read-only"),
        ("ASK " + "{" * 300 + "}" * 300, 400, "nested"),
    ],
)
def test_refusals_are_problem_details_that_a_web_page_may_read(
    client: FlaskClient, query: str, status: int, words: str
) -> None:
    response = ask(client, query)
    assert (response.status_code, response.mimetype) == (status, "application/problem+json")
    assert words in response.json["detail"]
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    if status == 400:
        assert response.json["line"] >= 1 and response.json["column"] >= 1


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_405(client: FlaskClient, method: str) -> None:
    response = client.open("/sparql", method=method)
    assert response.status_code == 405 and "GET" in response.headers["Allow"]


def test_head_and_preflight(client: FlaskClient) -> None:
    head, get = client.head("/sparql?query=ASK{}"), client.get("/sparql?query=ASK{}")
    assert head.status_code == 200 and not head.data
    assert head.headers["Content-Length"] == get.headers["Content-Length"]
    preflight = client.options(
        "/sparql", headers={"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    )
    assert preflight.status_code == 204
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize("media_type", ["text/turtle", "application/rdf+xml", "application/n-triples"])
def test_without_a_query_the_service_describes_itself(client: FlaskClient, media_type: str) -> None:
    response = client.get("/sparql", headers={"Accept": media_type})
    assert response.mimetype == media_type
    graph = rdflib.Graph().parse(
        data=response.data, format={"text/turtle": "turtle", "application/rdf+xml": "xml"}.get(media_type, "nt")
    )
    service = next(graph.subjects(rdflib.RDF.type, SD.Service))
    assert (service, SD.endpoint, service) in graph
    assert (service, SD.supportedLanguage, SD.SPARQL11Query) in graph
    assert not list(graph.objects(None, SD.feature))
    assert len(list(graph.objects(service, SD.resultFormat))) == 8
    dataset = graph.value(service, SD.defaultDataset)
    counted = ask(client, "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }").json["results"]["bindings"][0]["n"]["value"]
    assert str(graph.value(dataset, VOID.triples)) == counted
    names = {str(name) for name in graph.objects(None, SD.name)}
    rows = ask(client, "SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }").json["results"]["bindings"]
    assert {row["g"]["value"] for row in rows} <= names
    assert all(len(list(graph.objects(named, SD.name))) == 1 for named in graph.objects(None, SD.namedGraph))
    said = " ".join(str(text) for text in graph.objects(service, rdflib.DCTERMS.description))
    assert "20 s" in said and "500" in said


def test_every_geosparql_function_that_is_described_is_evaluated(client: FlaskClient) -> None:
    wkt = "^^<http://www.opengis.net/ont/geosparql#wktLiteral>"
    one, two = f"'POLYGON((0 0,0 2,2 2,2 0,0 0))'{wkt}", f"'POLYGON((1 1,1 3,3 3,3 1,1 1))'{wkt}"
    for name in GEOSPARQL_FUNCTIONS:
        response = ask(
            client, f"SELECT (<http://www.opengis.net/def/function/geosparql/{name}>({one}, {two}) AS ?x) {{}}"
        )
        assert response.status_code == 200, (name, response.text)
    unit = "<http://www.opengis.net/def/uom/OGC/1.0/metre>"
    response = ask(
        client,
        f"SELECT (<http://www.opengis.net/def/function/geosparql/distance>('POINT(18.07 59.33)'{wkt}, "
        f"'POINT(18.08 59.33)'{wkt}, {unit}) AS ?x) {{}}",
    )
    assert 560 < float(response.json["results"]["bindings"][0]["x"]["value"]) < 575


def test_browsers_get_pages(client: FlaskClient) -> None:
    form = client.get("/sparql", headers={"Accept": CHROME})
    assert form.mimetype == "text/html" and "<textarea" in form.text
    assert "Accept" in form.headers["Vary"]
    hostile = "SELECT ('<script>alert(1)</script>' AS ?x) (<javascript:alert(1)> AS ?y) (<http://a/b> AS ?z) {}"
    page = ask(client, hostile, CHROME)
    assert page.mimetype == "text/html" and "<script>alert" not in page.text
    assert 'href="javascript' not in page.text
    assert "/resource?uri=http%3A//a/b" in page.text
    assert "format=csv" in page.text
    assert ask(client, "ASK {}", CHROME, lang="sv").text.count("Ja") >= 1
    assert "schema" in ask(client, "CONSTRUCT WHERE { ?s ?p ?o } LIMIT 3", CHROME).text
    assert ask(client, "ASK {", CHROME).status_code == 400


def test_check_tells_editors_what_is_wrong_without_evaluating(client: FlaskClient) -> None:
    good = client.get(
        "/sparql/check?" + urlencode({"query": "SELECT (RAND() AS ?x) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"})
    )
    assert good.json == {"valid": True, "form": "SELECT", "deterministic": False}
    assert good.headers["Cache-Control"] == "no-store"
    bad = client.post("/sparql/check", data="SELECT ?x {", content_type="application/sparql-query").json
    assert bad["valid"] is False and bad["problem"]["line"] == 1
    assert client.get("/sparql/check").status_code == 400


def test_large_answers_are_sent_whole_with_their_length(starter: Path) -> None:
    app = create_app(starter, read_settings(environment={}, flags={"readers": 1}))
    query = "SELECT * { { SELECT * { ?s ?p ?o } LIMIT 10000 } VALUES ?n { 1 2 3 4 5 6 7 8 } }"
    response = ask(app.test_client(), query)
    assert response.status_code == 200 and len(response.data) > 8 << 20
    assert int(response.headers["Content-Length"]) == len(response.data)
    assert len(json.loads(response.data)["results"]["bindings"]) == 80_000
    head = app.test_client().head("/sparql?" + urlencode({"query": query}), headers={"Accept": JSON})
    assert head.headers["Content-Length"] == response.headers["Content-Length"]
    app.extensions["torg.queries"].close()


# -- clients ----------------------------------------------------------------------------------------------------------

HEAVY = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"


def test_a_token_lifts_the_limits_and_nothing_else(
    app: Flask, client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = TokenFile(tmp_path / "tokens.json")  # The starter region's folder is shared and read-only.
    monkeypatch.setattr(app.extensions["torg.queries"], "tokens", tokens)
    _, text = tokens.create("Länsstyrelsen")
    bearer = {"Accept": JSON, "Authorization": f"Bearer {text}"}
    response = client.get("/sparql?" + urlencode({"query": "SELECT * { ?s ?p ?o } LIMIT 2000"}), headers=bearer)
    assert len(response.json["results"]["bindings"]) == 2000
    assert "X-Result-Truncated" not in response.headers
    assert "rows=none" in response.headers["X-Query-Limits"]
    assert "no-store" in response.headers["Cache-Control"]
    assert client.get("/sparql?query=CLEAR+ALL", headers=bearer).status_code == 403
    plain = client.get("/sparql?" + urlencode({"query": "SELECT * { ?s ?p ?o } LIMIT 2000"}), headers={"Accept": JSON})
    assert len(plain.json["results"]["bindings"]) == 500


def test_a_wrong_token_is_401_then_429_and_never_in_the_address(app: Flask) -> None:
    client = app.test_client()
    statuses = []
    for n in range(14):
        response = client.get(
            "/sparql?query=ASK{}",
            headers={"Authorization": f"Bearer torg_0000000{n % 9}_{'x' * 43}"},
            environ_overrides={"REMOTE_ADDR": "203.0.113.77"},
        )
        statuses.append(response.status_code)
    assert statuses[:10] == [401] * 10 and 429 in statuses[10:]
    assert (
        "Bearer"
        in client.get("/sparql?query=ASK{}", headers={"Authorization": "Basic eDp5"}).headers["WWW-Authenticate"]
    )
    assert client.get("/sparql?query=ASK{}&access_token=x").status_code == 400


def test_a_client_that_has_used_its_time_waits_while_others_go_on(starter: Path) -> None:
    settings = read_settings(
        environment={},
        flags={
            "readers": 1,
            "query_seconds": 0.5,
            "client_burst_seconds": 0.9,
            "client_seconds_per_minute": 6.0,
            "trusted_proxies": "127.0.0.1",
        },
    )
    app = create_app(starter, settings)
    client = app.test_client()

    def asked(query: str, address: str):
        headers = {"Accept": CSV, "X-Forwarded-For": address}
        return client.get("/sparql?" + urlencode({"query": query}), headers=headers)

    statuses = [asked(f"{HEAVY} #{n}", "198.51.100.1").status_code for n in range(3)]
    assert statuses == [504, 504, 429]
    refused = asked(HEAVY, "198.51.100.1")
    assert int(refused.headers["Retry-After"]) >= 1 and refused.json["status"] == 429
    assert asked("ASK {}", "198.51.100.1").status_code == 200
    assert asked("SELECT * { ?s ?p ?o . ?s ?q ?r } LIMIT 1", "198.51.100.2").status_code == 200
    app.extensions["torg.queries"].close()


def test_a_page_shows_the_beginning_and_offers_the_rest(starter: Path) -> None:
    app = create_app(starter, read_settings(environment={}, flags={"readers": 1}))
    page = ask(app.test_client(), "SELECT * { ?s ?p ?o } LIMIT 3000", CHROME, lang="en")
    assert page.text.count("<tr>") == 1001
    assert "cut off on this page" in page.text and "format=csv" in page.text
    app.extensions["torg.queries"].close()


def test_the_past_is_asked_as_long_as_it_is_kept(small_site: SmallSite) -> None:
    for count, moment in ((8, NOW), (5, NOW + timedelta(days=7))):
        small_site.write(ROWS[:count])
        small_site.publish(now=moment, confirm=count < 8)
    app = create_app(small_site.folder, read_settings(environment={}, flags={"readers": 1}))
    client = app.test_client()
    query = "SELECT (COUNT(*) AS ?n) { ?s a <https://schema.org/School> }"

    def schools(**at: str) -> tuple[str, str | None]:
        response = ask(client, query, CSV, **at)
        assert response.status_code == 200, response.text
        return response.text.split()[1], response.headers.get("Memento-Datetime")

    assert schools() == ("5", None)
    assert schools(at="000001") == ("8", "Sun, 01 Mar 2026 04:00:00 GMT")
    assert schools(at="2026-03-05T00:00:00+00:00") == ("8", "Sun, 01 Mar 2026 04:00:00 GMT")
    assert schools(at="2")[0] == schools(at="2026-12-24")[0] == schools()[0] == "5"
    assert "immutable" in ask(client, query, CSV, at="1").headers["Cache-Control"]
    assert [ask(client, query, CSV, at=wrong).status_code for wrong in ("3", "2020-01-01", "igår")] == [404, 404, 400]
    assert 'name="at" value="1"' in ask(client, query, CHROME, at="1").text
    app.extensions["torg.queries"].close()
    app.extensions["torg"].close()


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("SELECT * { ?z a ?b . ?a ?y ?z } LIMIT 1", ["z", "b", "a", "y"]),
        (
            "# SELECT * { ?q }\nSELECT DISTINCT*{ BIND(1 AS ?b) BIND('?c' AS ?a) FILTER EXISTS { ?d ?e ?f } }",
            ["b", "a"],
        ),
        ("SELECT * { { SELECT ?y (COUNT(*) AS ?n) { ?x a ?y } GROUP BY ?y } BIND($y AS ?a) } LIMIT 1", ["y", "n", "a"]),
        ("SELECT ?b ?a { BIND(1 AS ?a) BIND(2 AS ?b) }", ["b", "a"]),
        ("SELECT * {}", []),
    ],
)
def test_columns_stand_as_the_query_names_them(client: FlaskClient, query: str, order: list[str]) -> None:
    assert ask(client, query).get_json()["head"]["vars"] == order
    assert ask(client, query, CSV).text.split("\r\n")[0] == ",".join(order)


def test_every_graph_asked_for_keeps_the_order(client: FlaskClient) -> None:
    graphs = [f"https://data.norrsjo.example/graph/{name}/skolor" for name in ("granby", "norrsjo")]
    query = f"SELECT * FROM <{graphs[0]}> FROM <{graphs[1]}> {{ ?z a ?b }} LIMIT 1"
    assert ask(client, query).get_json()["head"]["vars"] == ["z", "b"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * { <http://example.org/a b> ?p ?o }",
        "SELECT * { <a> ?p ?o }",
        "SELECT * { <http://a.example/{b}> ?p ?o }",
    ],
)
def test_an_address_that_is_none_is_told_so(client: FlaskClient, query: str) -> None:
    refused = ask(client, query)
    assert refused.status_code == 400
    told = "is relative" if "<a>" in query else "a space is written %20"
    assert told in refused.get_json()["detail"] and refused.get_json()["line"] == 1
