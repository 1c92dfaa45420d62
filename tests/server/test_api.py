"""Named queries as their clients see them: formats, pages, errors, the form and the list."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal

import html5lib
import pytest
from flask.testing import FlaskClient
from pyoxigraph import RdfFormat, parse

import queries
from queries import Query
from server.query_api import Table, Window, address, to_csv, to_geojson, to_json
from server.rdf_formats import Value

ALL = queries.all_queries()
NAMES = [query.name for query in ALL]
BASE = "https://data.norrsjo.example"
SPENDING = "/api/ledger/spending-by-municipality"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "sv"}
JSON = {"Accept": "application/json"}


def related(response) -> dict[str, str]:
    """Return the addresses of a Link header by relation, without the alternates."""
    found = {}
    for link in response.headers.get("Link", "").split(", "):
        target, _, rest = link.partition(">; ")
        relation = rest.split('"')[1]
        if relation != "alternate":
            found[relation] = target.removeprefix("<").removeprefix(BASE)
    return found


@pytest.mark.parametrize("query", ALL, ids=NAMES)
def test_every_query_answers_its_examples(client: FlaskClient, query: Query) -> None:
    path = address(query, query.examples(), {})
    if query.is_graph:
        response = client.get(path, headers={"Accept": "text/turtle"})
        assert response.status_code == 200
        assert list(parse(response.data, format=RdfFormat.TURTLE))
        return
    response = client.get(path, headers=JSON)
    assert response.status_code == 200, response.text
    body = response.get_json()
    assert body["rows"] and body["columns"] == list(query.columns)
    assert all(list(row) == body["columns"] for row in body["rows"])
    assert body["links"]["self"] == BASE + path


@pytest.mark.parametrize("query", ALL, ids=NAMES)
@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_query_has_a_page_with_its_answer(client: FlaskClient, query: Query, language: str) -> None:
    response = client.get(address(query, query.examples(), {"lang": language}), headers=BROWSER)
    assert response.status_code == 200
    assert response.headers["Content-Language"] == language
    parser = html5lib.HTMLParser()
    document = parser.parse(response.text)
    assert not parser.errors
    texts = "".join(document.itertext())
    assert query.title[language] in texts
    fields = document.findall(".//{*}form//{*}label")
    inputs = {field.get("id") for field in document.iter() if field.get("id")}
    assert all(label.get("for") in inputs for label in fields)
    assert query.is_graph or document.find(".//{*}table//{*}th[@scope='col']") is not None


def test_rows_are_objects_with_typed_values(client: FlaskClient) -> None:
    response = client.get(f"{SPENDING}?municipality=9905&year=2026", headers=JSON)
    body = json.loads(response.data, parse_float=Decimal)
    assert body["parameters"] == {"municipality": "9905", "year": "2026"}
    (row,) = body["rows"]
    assert row["municipality"] == "9905" and row["municipalityName"] == "Stenåsa"
    assert row["year"] == 2026 and isinstance(row["entries"], int)
    assert isinstance(row["amount"], Decimal) and row["amount"] > 0


def test_the_same_rows_in_every_format(client: FlaskClient) -> None:
    rows = client.get(f"{SPENDING}.json").get_json(force=True)["rows"]
    lines = list(csv.DictReader(io.StringIO(client.get(f"{SPENDING}.csv").text)))
    bindings = client.get(f"{SPENDING}.srj").get_json(force=True)["results"]["bindings"]
    names = [row["municipalityName"] for row in rows]
    assert len(names) == 12 and "Öbacka" in names
    assert [line["municipalityName"] for line in lines] == names
    assert [binding["municipalityName"]["value"] for binding in bindings] == names
    assert [Decimal(line["amount"]) for line in lines] == [Decimal(binding["amount"]["value"]) for binding in bindings]
    assert bindings[0]["municipalityIri"]["type"] == "uri"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("text/csv", "text/csv; charset=utf-8"),
        ("application/sparql-results+json", "application/sparql-results+json"),
        ("text/html", "text/html; charset=utf-8"),
        ("text/csv;q=0.5, application/json;q=0.1", "text/csv; charset=utf-8"),
    ],
)
def test_the_format_is_negotiated(client: FlaskClient, accept: str | None, media_type: str) -> None:
    response = client.get(SPENDING, headers={"Accept": accept} if accept else {})
    assert response.content_type == media_type
    assert "Accept" in response.headers["Vary"]


def test_what_is_not_offered_is_not_acceptable(client: FlaskClient) -> None:
    response = client.get(SPENDING, headers={"Accept": "text/turtle"})
    assert response.status_code == 406
    assert "text/csv" in {offer["type"] for offer in response.get_json()["offered"]}
    # A fixed address of a form that there is not is an address of nothing.
    assert client.get("/api/concept/scheme.csv?scheme=def/actor").status_code == 404


def test_a_graph_comes_in_every_rdf_format(client: FlaskClient) -> None:
    counts = set()
    for suffix, format in (("ttl", RdfFormat.TURTLE), ("rdf", RdfFormat.RDF_XML), ("nt", RdfFormat.N_TRIPLES)):
        response = client.get(f"/api/concept/scheme.{suffix}?scheme=def/actor")
        assert response.status_code == 200
        counts.add(len(set(parse(response.data, format=format))))
    assert len(counts) == 1 and counts.pop() > 50
    context = client.get("/api/concept/scheme.jsonld?scheme=def/actor").get_json(force=True)
    assert any(node["@id"] == f"{BASE}/def/actor" for node in context["@graph"])


# -- pages ---------------------------------------------------------------------------------------------------------


def test_pages_are_linked_and_end(client: FlaskClient) -> None:
    path, seen, numbers = f"{SPENDING}?size=5", [], []
    while path:
        response = client.get(path, headers=JSON)
        assert response.status_code == 200
        body = response.get_json()
        seen += [row["municipality"] for row in body["rows"]]
        numbers.append(body["page"])
        links = related(response)
        assert {
            relation: link.removeprefix(BASE) for relation, link in body["links"].items() if relation != "self"
        } == {relation: link for relation, link in links.items() if relation != "service-desc"}
        assert links["first"] == f"{SPENDING}?size=5"
        path = links.get("next", "")
        assert ("last" in links) == (not path)
    assert numbers == [1, 2, 3]
    assert seen == sorted(seen) and len(seen) == len(set(seen)) == 12
    assert links["prev"] == f"{SPENDING}?page=2&size=5" and links["last"] == f"{SPENDING}?page=3&size=5"


def test_there_is_nothing_past_the_end(client: FlaskClient) -> None:
    assert client.get(f"{SPENDING}?size=4&page=3", headers=JSON).status_code == 200
    for page in (4, 1_000_000):
        response = client.get(f"{SPENDING}?size=4&page={page}", headers=JSON)
        assert response.status_code == 404
        assert "the answer ends before it" in response.get_json()["detail"]


def test_an_empty_answer_is_an_answer(client: FlaskClient) -> None:
    response = client.get(f"{SPENDING}?year=1850", headers=JSON)
    assert response.status_code == 200
    assert response.get_json()["rows"] == []
    page = client.get(f"{SPENDING}?year=1850", headers=BROWSER)
    assert page.status_code == 200 and "Inget svarar mot detta" in page.text


@pytest.mark.parametrize(
    "given", ["size=", "page=0", "page=-1", "page=1.5", "page=x", "page=²", "size=0", "size=10001", "page=9999999999"]
)
def test_a_page_or_size_that_is_none_is_refused(client: FlaskClient, given: str) -> None:
    response = client.get(f"{SPENDING}?{given}", headers=JSON)
    assert response.status_code == 400
    assert given.partition("=")[0] in response.get_json()["detail"]


def test_a_long_question_has_no_longer_headers_than_proxies_take(client: FlaskClient) -> None:
    codes = "&".join(f"municipality=99{number:02}{'x' * 20}" for number in range(50))
    response = client.get(f"{SPENDING}?{codes}&size=1", headers=JSON)
    assert response.status_code == 200
    assert len(response.headers["Link"]) < 8_000


def test_a_query_without_pages_says_so(client: FlaskClient) -> None:
    response = client.get("/api/concept/scheme?scheme=def/actor&page=2", headers={"Accept": "text/turtle"})
    assert response.status_code == 400 and "has no pages" in response.get_json(force=True)["detail"]


def test_the_suffix_and_the_parameters_stay_in_the_links(client: FlaskClient) -> None:
    links = related(client.get(f"{SPENDING}.csv?year=2026&size=5&lang=en"))
    assert links["next"] == f"{SPENDING}.csv?year=2026&lang=en&page=2&size=5"


# -- errors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        (f"{SPENDING}?yaer=2026", 400, "Did you mean year?"),
        (f"{SPENDING}?year=soon", 400, "a whole number, for example 2026"),
        (f"{SPENDING}?lang=sv&lang=en", 400, "lang is given twice"),
        (f"{SPENDING}?lang=fi", 400, "lang takes"),
        ("/api/ledger/voucher?municipality=9903", 400, "voucher is missing"),
        ("/api/ledger/voucher", 400, "municipality is missing: give a code, for example 9903"),
        ("/api/change/datasets?since=yesterday", 400, "a date (YYYY-MM-DD), for example 2026-01-01"),
        ("/api/ledger/no-such", 404, "/api lists those there are"),
        ("/api/nothing/at-all", 404, "There is no query"),
    ],
)
def test_errors_say_what_to_do(client: FlaskClient, path: str, status: int, said: str) -> None:
    response = client.get(path, headers=JSON)
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    assert said in response.get_json()["detail"]


@pytest.mark.parametrize(
    "attack",
    [
        '9901" } UNION { ?municipalityIri ?p ?o } #',
        "9901 }",
        "\\",
        "UNDEF",
        "9901' OR 1=1",
        "9901\nVALUES ?year { 1 }",
        "<x>",
    ],
)
def test_an_attack_is_a_bad_value(client: FlaskClient, attack: str) -> None:
    response = client.get(SPENDING, query_string={"municipality": attack}, headers=JSON)
    assert (response.status_code, response.get_json().get("parameter")) in ((400, "municipality"), (200, None))
    assert response.status_code == 400 or response.get_json()["rows"] == []


@pytest.mark.parametrize("iri", ["https://x.example/%zz", "https://x.example:port/", "http://[::1/", "spec/%", "x:[y]"])
def test_an_iri_that_is_none_is_a_bad_value(client: FlaskClient, iri: str) -> None:
    response = client.get("/api/resource/labels", query_string={"resource": iri}, headers=JSON)
    assert response.status_code == 400
    assert response.get_json()["detail"].startswith("resource takes an IRI")


def test_text_is_searched_for_as_it_stands(client: FlaskClient) -> None:
    text = '") || true || CONTAINS("'
    response = client.get("/api/concept/search", query_string={"text": text}, headers=JSON)
    assert response.status_code == 200 and response.get_json()["rows"] == []


def test_a_polygon_that_is_none_finds_nothing(client: FlaskClient) -> None:
    response = client.get("/api/place/within?area=POLYGON((14 60, nowhere", headers=JSON)
    assert response.status_code == 200 and response.get_json()["rows"] == []


def test_what_is_not_get_is_refused(client: FlaskClient) -> None:
    assert client.post(SPENDING).status_code == 405
    assert client.options(SPENDING).status_code == 200
    head = client.head(SPENDING)
    assert head.status_code == 200 and head.data == b"" and head.headers["ETag"]


# -- caching -------------------------------------------------------------------------------------------------------


def test_an_answer_that_one_has_is_not_sent_again(client: FlaskClient) -> None:
    first = client.get(SPENDING, headers=JSON)
    again = client.get(SPENDING, headers=JSON | {"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304 and not again.data
    assert "max-age" in first.headers["Cache-Control"]
    assert first.headers["Content-Location"] == f"{SPENDING}.json?lang=sv"
    assert client.get(first.headers["Content-Location"]).get_json(force=True)["rows"] == first.get_json()["rows"]


def test_a_query_says_how_long_its_answer_may_be_kept(client: FlaskClient) -> None:
    assert "max-age=300" in client.get("/api/concept/schemes").headers["Cache-Control"]
    assert "max-age=60" in client.get(SPENDING).headers["Cache-Control"]


def test_names_follow_the_language(client: FlaskClient) -> None:
    swedish = client.get("/api/school/forms", headers=JSON | {"Accept-Language": "sv"})
    english = client.get("/api/school/forms", headers=JSON | {"Accept-Language": "en"})
    assert swedish.headers["Content-Language"] == "sv" and english.headers["Content-Language"] == "en"
    assert "Accept-Language" in english.headers["Vary"]
    assert english.get_json()["rows"][0]["formName"] == "Preschool (unit)"
    assert swedish.get_json()["rows"][0]["formName"] == "Förskola (enhet)"


# -- the form ------------------------------------------------------------------------------------------------------


def page(client: FlaskClient, path: str):
    response = client.get(path, headers=BROWSER)
    return response, html5lib.parse(response.text, namespaceHTMLElements=False)


def test_a_form_that_needs_something_opens_with_examples(client: FlaskClient) -> None:
    response, document = page(client, "/api/place/near")
    assert response.status_code == 200
    fields = {field.get("name"): field for field in document.iter("input")}
    assert fields["latitude"].get("value") == "61.04" and "required" in fields["latitude"].attrib
    assert document.find(".//table") is None
    options = [option.get("value") for option in document.findall(".//select[@name='type']/option")]
    assert options[0] == "" and "spec/torg#School" in options


def test_a_form_keeps_what_was_asked_and_offers_what_there_is(client: FlaskClient) -> None:
    _, document = page(client, "/api/school/by-municipality?municipality=9905")
    options = {option.get("value"): option for option in document.findall(".//select[@name='municipality']/option")}
    assert len(options) == 13 and "selected" in options["9905"].attrib
    assert "Stenåsa (9905)" in options["9905"].text
    assert document.find(".//tbody/tr/td/a").get("href") == "/def/norrsjo/9905"
    heads = [head.text for head in document.findall(".//th")]
    assert heads == ["Kommunkod", "Kommun", "Kod", "Slag av skola", "Skolor", "Barn eller elever"]


def test_a_value_that_does_not_fit_is_told_beside_its_field(client: FlaskClient) -> None:
    response, document = page(client, "/api/place/near?latitude=norr&longitude=14.6&distance=500")
    assert response.status_code == 400
    field = next(field for field in document.iter("input") if field.get("name") == "latitude")
    assert field.get("value") == "norr" and field.get("aria-invalid") == "true"
    said = next(other for other in document.iter() if other.get("id") == "f-latitude")
    assert said.text == "latitude tar ett tal, till exempel 61.04; 'norr' är inte det."
    assert "f-latitude" in field.get("aria-describedby")


def test_markup_in_a_value_stays_text(client: FlaskClient) -> None:
    response, _ = page(client, "/api/concept/search?text=<script>alert(1)</script>")
    assert response.status_code == 200 and "<script>alert" not in response.text


def test_money_is_written_as_money(client: FlaskClient) -> None:
    (row,) = client.get(f"{SPENDING}?municipality=9901&year=2026", headers=JSON).get_json()["rows"]
    response, _ = page(client, SPENDING)
    written = f"{row['amount']:,.2f}".replace(",", "\xa0").replace(".", ",")
    assert f"{written}\xa0kr" in response.text
    assert ">2026<" in response.text


def test_the_page_links_to_the_query_page_with_the_question(client: FlaskClient) -> None:
    _, document = page(client, f"{SPENDING}?municipality=9905")
    link = next(a for a in document.iter("a") if a.get("href", "").startswith("/sparql?query="))
    answer = client.get(link.get("href"), headers={"Accept": "text/csv"})
    assert answer.status_code == 200 and "9905" in answer.text and "9901" not in answer.text


# -- the list ------------------------------------------------------------------------------------------------------


def test_the_list_names_every_query(client: FlaskClient) -> None:
    listed = client.get("/api", headers=JSON).get_json()["queries"]
    assert [entry["name"] for entry in listed] == NAMES
    for entry in listed[:5]:
        assert client.get(entry["example"].removeprefix(BASE)).status_code == 200
    _, document = page(client, "/api")
    links = {a.get("href") for a in document.iter("a")}
    assert {f"/api/{name}" for name in NAMES} <= links
    assert "/openapi.json" in links


def test_a_group_lists_its_own(client: FlaskClient) -> None:
    listed = client.get("/api/school", headers=JSON).get_json()["queries"]
    assert {entry["name"].partition("/")[0] for entry in listed} == {"school"}
    assert client.get("/api/school", headers=BROWSER).status_code == 200
    assert client.get("/api/schol", headers=JSON).status_code == 404


def test_the_page_shows_so_many_rows_and_pages_through_the_rest(client: FlaskClient) -> None:
    _, document = page(client, "/api/ledger/largest-entries?least=0&size=10000")
    assert len(document.findall(".//tbody/tr")) == 500
    following = document.find(".//nav[@class='pager']/a[@rel='next']").get("href")
    assert "page=2" in following and "size=500" in following
    assert client.get(following, headers=BROWSER).status_code == 200


def test_every_example_of_the_query_page_runs(client: FlaskClient) -> None:
    from server.query_api import sparql_examples
    from server.uris import UriSpace

    examples = sparql_examples(UriSpace(f"{BASE}/"), "sv")
    assert [name for _, name, _, _ in examples] == NAMES
    for _, name, title, text in examples[::6]:
        response = client.get("/sparql", query_string={"query": text})
        assert response.status_code == 200, name
        assert title and "#+" not in text


# -- writers -------------------------------------------------------------------------------------------------------

XSD = "http://www.w3.org/2001/XMLSchema#"


def table(**values: Value) -> Table:
    return Table(tuple(values), (values,), Window(), False, {})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Value("literal", "0.10", XSD + "decimal"), "0.10"),
        (Value("literal", "123456789012345678.12", XSD + "decimal"), "123456789012345678.12"),
        (Value("literal", "-5", XSD + "integer"), "-5"),
        (Value("literal", "007", XSD + "string"), '"007"'),
        (Value("literal", "true", XSD + "boolean"), "true"),
        (Value("literal", "INF", XSD + "double"), '"INF"'),
        (Value("literal", "1.5E3", XSD + "double"), "1500.0"),
        (Value("literal", "ett", XSD + "integer"), '"ett"'),
        (Value("iri", "https://schema.org/School"), '"https://schema.org/School"'),
        (Value("literal", 'a "b"\n', XSD + "string"), '"a \\"b\\"\\n"'),
    ],
)
def test_values_in_json(value: Value, expected: str) -> None:
    body = to_json(table(x=value), {"query": "q"}).decode()
    assert f'{{"x": {expected}}}' in body
    json.loads(body)


def test_csv_quotes_what_needs_it_and_escapes_nothing_else() -> None:
    body = to_csv(table(a=Value("literal", "=1+1"), b=Value("literal", 'x, "y"\r\nz')))
    assert body == b'a,b\r\n=1+1,"x, ""y""\r\nz"\r\n'


def test_a_row_without_a_position_has_no_geometry() -> None:
    somewhere = {"lat": Value("literal", "61.04", XSD + "decimal"), "long": Value("literal", "14.6", XSD + "decimal")}
    both = Table(("name", "lat", "long"), ({**somewhere}, {"name": Value("literal", "Myran")}), Window(), False, {})
    features = json.loads(to_geojson(both))["features"]
    assert features[0]["geometry"] == {"type": "Point", "coordinates": [14.6, 61.04]}
    assert features[1]["geometry"] is None and features[1]["properties"] == {"name": "Myran"}


def answer_of(client: FlaskClient, path: str) -> str:
    page = client.get(path, headers=BROWSER).text
    assert html5lib.HTMLParser(strict=True).parse(page) is not None
    return page[page.index('id="answer"') : page.index("<aside")]


def test_numbers_of_an_answer_are_drawn_with_the_names_that_tell_the_rows_apart(client: FlaskClient) -> None:
    suppliers = answer_of(client, "/api/ledger/top-suppliers")
    assert "<figcaption>Belopp per leverantör</figcaption>" in suppliers
    assert '<a href="#chart">Diagram</a>' in suppliers and "#map" not in suppliers
    first = client.get("/api/ledger/top-suppliers", headers=JSON).get_json()["rows"][0]
    assert first["supplierName"] in suppliers[suppliers.index('<svg class="chart narrow"') :]
    both = answer_of(client, "/api/school/by-municipality?municipality=9901")
    assert "<figcaption>Barn eller elever per slag av skola</figcaption>" in both  # one municipality: no need to say it
    all_of_them = answer_of(client, "/api/school/by-municipality")
    assert "<figcaption>Barn eller elever per kommun · slag av skola</figcaption>" in all_of_them


def test_months_make_a_line(client: FlaskClient) -> None:
    months = answer_of(client, "/api/ledger/spending-by-month?municipality=9901&year=2026")
    assert '<path class="line"' in months and "<rect" not in months


def test_places_of_an_answer_are_on_a_map_beside_the_table_that_names_them(client: FlaskClient) -> None:
    schools = answer_of(client, "/api/school/list?municipality=9901")
    assert '<a href="#map">Karta</a>' in schools and '<table id="table">' in schools
    listed = client.get("/api/school/list?municipality=9901", headers=JSON).get_json()["rows"]
    assert schools.count('<tr data-lat="') == sum("lat" in row for row in listed) > 5
    assert schools.count('class="point"') > 5  # without scripts: the border with every place on it
    assert "Barn eller elever per skola" in schools  # and not a bar for each longitude


def test_an_answer_without_numbers_or_places_is_a_table_alone(client: FlaskClient) -> None:
    datasets = answer_of(client, "/api/catalog/datasets")
    assert "<table" in datasets and "<figure" not in datasets and 'class="views"' not in datasets
