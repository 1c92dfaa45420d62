"""The query page: errors at their line, views of an answer, links to share, and what the editor proposes."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import html5lib
import pytest
from flask.testing import FlaskClient

CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
TORG = "PREFIX torg: <https://data.norrsjo.example/spec/torg#> "
PLACES = (
    "PREFIX geo: <http://www.opengis.net/ont/geosparql#> PREFIX schema: <https://schema.org/> "
    "SELECT ?s ?name ?wkt { ?s geo:asWKT ?wkt ; schema:name ?name } ORDER BY ?s LIMIT 30"
)
SPENT = (
    TORG + "SELECT ?payer (SUM(?n) AS ?kr) { ?e torg:payer ?payer ; torg:netAmount ?n } GROUP BY ?payer ORDER BY ?payer"
)


def shown(client: FlaskClient, query: str, status: int = 200, **more: str) -> str:
    response = client.get("/sparql?" + urlencode({"query": query, "lang": "sv", **more}), headers={"Accept": CHROME})
    assert response.status_code == status
    page = response.get_data(as_text=True)
    parser = html5lib.HTMLParser(strict=False)
    parser.parse(page)
    assert parser.errors == []
    assert page.count("<h1") == 1
    return page


def test_the_nonce_is_new_on_every_page_and_nowhere_else(client: FlaskClient) -> None:
    nonces = set()
    for _ in range(2):
        response = client.get("/sparql", headers={"Accept": CHROME})
        found = re.search(r"style-src 'self' 'nonce-([\w-]+)'", response.headers["Content-Security-Policy"])
        assert found and f'data-nonce="{found[1]}"' in response.text
        assert response.headers["Cache-Control"] == "no-store"
        nonces.add(found[1])
    assert len(nonces) == 2
    assert "nonce" not in client.get("/", headers={"Accept": CHROME}).headers["Content-Security-Policy"]


def test_an_error_stands_at_its_line_beside_the_query(client: FlaskClient) -> None:
    page = shown(client, "SELECT *\nWHERE { ?s foo:bar ?o }", 400)
    assert 'role="alert"' in page and "Prefixet foo: på rad 2, kolumn" in page
    assert 'aria-invalid="true" data-line="2"' in page
    assert "WHERE { ?s foo:bar ?o }</textarea>" in page
    machine = client.get("/sparql?query=SELECT", headers={"Accept": "application/json"})
    assert (machine.status_code, machine.mimetype) == (400, "application/problem+json")


def test_an_update_is_told_apart_on_the_page(client: FlaskClient) -> None:
    assert "uppdateringar tas inte emot" in shown(client, "DROP ALL", 403)


def test_answers_have_labels_and_can_be_ordered(client: FlaskClient) -> None:
    page = shown(client, SPENT)
    assert (
        'href="/id/organization/2120009929" title="https://data.norrsjo.example/id/organization/2120009929">Älvhult'
        in page
    )
    assert '<td class="number">' in page and "sort=kr" in page
    rising = re.findall(r'<td class="number"><span[^>]*>([\d.]+)', shown(client, SPENT, sort="kr"))
    falling = re.findall(r'<td class="number"><span[^>]*>([\d.]+)', shown(client, SPENT, sort="-kr"))
    assert rising == sorted(rising, key=float) and falling == rising[::-1] and len(rising) == 12
    assert 'aria-sort="descending"' in shown(client, SPENT, sort="-kr")


def test_a_chart_has_its_numbers_beside_it(client: FlaskClient) -> None:
    page = shown(client, SPENT, view="chart")
    assert page.count('class="bar"') == 2 * 12, "drawn for wide and for narrow screens"
    assert '<svg class="chart" role="img"' in page and '<svg class="chart narrow" role="img"' in page
    assert page.count('<tr><th scope="row">') == 12
    assert "view=map" not in page


def test_places_are_a_table_and_a_drawing_without_scripts(client: FlaskClient) -> None:
    page = shown(client, PLACES, view="map")
    assert page.count("<tr data-lat=") == 30 and page.count('class="point"') == 29  # one lies abroad
    assert "view=chart" not in page


def test_the_raw_view_and_a_view_that_does_not_fit(client: FlaskClient) -> None:
    assert "&#34;bindings&#34;" in shown(client, SPENT, view="raw")
    assert 'aria-current="true">Tabell' in shown(client, "SELECT ?s { ?s ?p ?o } LIMIT 1", view="map")


def test_a_link_and_snippets_name_the_very_query(client: FlaskClient) -> None:
    page = shown(client, "SELECT ?s { ?s ?p ?o } LIMIT 1")
    assert 'data-copy="https://data.norrsjo.example/sparql?query=SELECT+%3Fs' in page
    assert "pd.read_csv(" in page and "read.csv(" in page and "await fetch(" in page
    long = "SELECT ?s { ?s ?p ?o } LIMIT 1 #" + "x" * 8_000
    posted = client.post("/sparql", data={"query": long, "lang": "sv"}, headers={"Accept": CHROME}).text
    assert 'method="post"' in posted and "query.rq" in posted and "Länk till frågan" not in posted


def test_hints_hold_what_this_store_uses(client: FlaskClient) -> None:
    response = client.get("/sparql/hints.json?lang=sv")
    assert response.headers["Content-Language"] == "sv"
    hints = response.json
    schools = {term["curie"]: term for term in hints["classes"]}["torg:School"]
    assert schools == {
        "iri": "https://data.norrsjo.example/spec/torg#School",
        "curie": "torg:School",
        "label": "Skola",
        "count": 121,
    }
    counts = [term["count"] for term in hints["properties"]]
    assert counts == sorted(counts, reverse=True)
    assert hints["prefixes"]["schema"] == "https://schema.org/"


@pytest.mark.parametrize(
    "query",
    ["SELECT ('<img src=x onerror=alert(1)>' AS ?x) {}", "SELECT (REPLACE('x', 'x', 'شارع') AS ?x) {}",
     "SELECT (<javascript:alert(1)> AS ?x) (<data:text/html,x> AS ?y) {}", "SELECT * { }", "SELECT (1/0 AS ?x) {}",
     "SELECT ?lat ?long ?n { VALUES (?lat ?long ?n) { (95.0 15.0 'utanför') (1e400 2.0 'oändligt') } }",
     "SELECT ?a ?b { VALUES (?a ?b) { ('x' 'NaN'^^<http://www.w3.org/2001/XMLSchema#double>) ('y' 2.0) } }"],
)  # fmt: skip
def test_odd_answers_are_shown_as_text(client: FlaskClient, query: str) -> None:
    for view in ("table", "map", "chart", "raw"):
        page = shown(client, query, view=view)
        assert "<img src=x" not in page and 'href="javascript' not in page and 'href="data' not in page


def test_no_bar_is_drawn_of_a_longitude(client: FlaskClient) -> None:
    text = """PREFIX schema: <https://schema.org/> PREFIX wgs84: <http://www.w3.org/2003/01/geo/wgs84_pos#>
    PREFIX torg: <https://data.norrsjo.example/spec/torg#>
    SELECT ?name ?pupils ?lat ?long { ?s schema:name ?name ; torg:pupils ?pupils ; wgs84:lat ?lat ; wgs84:long ?long }
    ORDER BY ?name LIMIT 5"""
    page = shown(client, text, view="chart")
    assert "<figcaption>pupils / name</figcaption>" in page and "view=map" in page
    assert "view=chart" not in shown(client, text.replace("?pupils ?lat", "?lat"))
